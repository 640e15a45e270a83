/** An image of a directory in memory: contents by path; the path of a directory ends with a slash. */
import { lstatSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

export function readImage(parent: string, prefix = ''): Map<string, Buffer> {
  const image = new Map<string, Buffer>()
  for (const name of readdirSync(parent)) {
    const file = path.join(parent, name)
    if (lstatSync(file).isDirectory()) {
      image.set(`${prefix}${name}/`, Buffer.alloc(0))
      for (const [inside, content] of readImage(file, `${prefix}${name}/`)) image.set(inside, content)
    } else image.set(`${prefix}${name}`, readFileSync(file))
  }
  return image
}

/** Nothing need be synced: this machine keeps its power. */
export function writeImage(image: ReadonlyMap<string, Buffer>, parent: string): void {
  mkdirSync(parent)
  for (const [name, content] of image) {
    const file = path.join(parent, name)
    if (name.endsWith('/')) mkdirSync(file, { mode: 0o700 })
    else writeFileSync(file, content)
  }
}
