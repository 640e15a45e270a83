#!/usr/bin/env node
/**
 * The command `vivarium`: what an operator asks of a data directory without writing a program. Words in, words out; each command is a file.
 * Ends with 0, with 1 when the directory is refused, with 2 when the words make no sense.
 */
import { readFileSync } from 'node:fs'
import { inspect } from './inspect.js'

const usage = `vivarium inspect DIRECTORY [--log]   what the data directory of a stopped peer holds; with --log every transaction
vivarium --version`

const words = process.argv.slice(2)
const [command, directory, option] = words
if (
  command === 'inspect' &&
  directory !== undefined &&
  (option === undefined || option === '--log') &&
  words.length <= 3
) {
  try {
    for await (const line of inspect(directory, { log: option === '--log' })) console.log(line)
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    process.exitCode = 1
  }
} else if (command === '--version' && words.length === 1) {
  const { version } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'))
  console.log(version)
} else {
  console.error(usage)
  process.exitCode = 2
}
