/** The release this is, wherever it runs from: the package's own page says it. */
import { existsSync, readFileSync } from 'node:fs'

export function versionOfPackage(): string {
  // Built, this file lies one folder deeper than in the sources.
  const pages = ['../../package.json', '../../../package.json'].map(page => new URL(page, import.meta.url))
  const page = pages.find(each => existsSync(each) && JSON.parse(readFileSync(each, 'utf8')).name === 'vivarium')
  return page === undefined ? 'unknown' : (JSON.parse(readFileSync(page, 'utf8')).version as string)
}
