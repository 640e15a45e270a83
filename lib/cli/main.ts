#!/usr/bin/env node
/**
 * The command `vivarium`: what an operator asks without writing a program: a peer, or what is in its data directory. Words in, words out; each command is a file.
 * What it ends with stands in the usage; docs/operating.md explains.
 */
import { parseArgs } from 'node:util'
import { hasCode } from '../model/errors.js'
import { fsck } from './fsck.js'
import { inspect } from './inspect.js'
import { recover } from './recover.js'
import { serve } from './serve.js'
import { versionOfPackage } from './version.js'

const usage = `vivarium inspect DIRECTORY [--log]   what the data directory of a stopped peer holds; with --log every transaction
  ends with 0, or 1 when a peer would refuse the directory
vivarium fsck DIRECTORY              whether it is sound, from the first checksum to the last; changes nothing
  ends with 0 sound, 1 mended by a start or by the other members, 2 damaged, 75 not looked at: in use, or not readable
vivarium recover DIRECTORY --accept-loss-after ZXID --ensemble NAME [--yes]
                                     makes it the beginning of the new ensemble NAME, when a majority of the old one is lost for ever;
                                     ZXID is what fsck calls the last intact; without --yes it says what it would do
  ends with 0, or 1 when it refuses
vivarium serve FILE                  a peer in the foreground, from a ZooKeeper configuration file (zoo.cfg); SIGTERM ends it
  ends with 0, or 1 when it could not begin or has failed
vivarium --help | --version
each ends with 64 when the words make no sense, or name no data directory`

const endings = { sound: 0, mendable: 1, damaged: 2 } as const
const USAGE = 64
const NOT_LOOKED_AT = 75

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

process.exitCode = await run(process.argv.slice(2))

async function run(words: string[]): Promise<number> {
  const asked = understand(words)
  if (asked === undefined) {
    console.error(usage)
    return USAGE
  }
  const { command, directory, values } = asked
  // What lies in temporary folders is removed at exit.
  if (command !== 'serve') for (const signal of signals) process.once(signal, () => process.exit(1))
  try {
    switch (command) {
      case 'help':
        console.log(usage)
        return 0
      case 'version':
        console.log(versionOfPackage())
        return 0
      case 'serve':
        await serve(directory, { say: line => console.log(line), signal: untilTold() })
        return 0
      case 'inspect':
        for await (const line of inspect(directory, { log: values.log === true })) console.log(line)
        return 0
      case 'fsck': {
        const { verdict, lines } = await fsck(directory)
        for (const line of lines) console.log(line)
        return endings[verdict]
      }
      case 'recover': {
        const options = {
          acceptLossAfter: values['accept-loss-after']!,
          ensemble: values.ensemble!,
          yes: values.yes === true,
        }
        for await (const line of recover(directory, options)) console.log(line)
        return 0
      }
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : String(error))
    if (command !== 'recover' && command !== 'serve' && hasCode(error, 'BAD_ARGUMENTS')) return USAGE
    return command === 'fsck' ? NOT_LOOKED_AT : 1
  }
}

/** The first signal ends it gracefully; another one, at once. */
function untilTold(): AbortSignal {
  const told = new AbortController()
  for (const signal of signals) process.on(signal, () => (told.signal.aborted ? process.exit(1) : told.abort()))
  return told.signal
}

interface Asked {
  readonly command: 'inspect' | 'fsck' | 'recover' | 'serve' | 'help' | 'version'
  readonly directory: string
  readonly values: {
    readonly log?: boolean | undefined
    readonly 'accept-loss-after'?: string | undefined
    readonly ensemble?: string | undefined
    readonly yes?: boolean | undefined
  }
}

/** Undefined for what makes no sense. */
function understand(words: string[]): Asked | undefined {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  try {
    const options = { log: flag, help: flag, version: flag, 'accept-loss-after': text, ensemble: text, yes: flag }
    const { values, positionals } = parseArgs({ args: words, options, allowPositionals: true })
    const [command, directory, ...more] = positionals
    const given = Object.keys(values)
    const only = (...names: string[]): boolean => given.every(name => names.includes(name))
    if (words.length === 1 && values.help) return { command: 'help', directory: '', values }
    if (words.length === 1 && values.version) return { command: 'version', directory: '', values }
    if (directory === undefined || more.length > 0) return undefined
    if (command === 'inspect' && only('log')) return { command, directory, values }
    if ((command === 'fsck' || command === 'serve') && only()) return { command, directory, values }
    const said = values['accept-loss-after'] !== undefined && values.ensemble !== undefined
    if (command === 'recover' && said && only('accept-loss-after', 'ensemble', 'yes'))
      return { command, directory, values }
    return undefined
  } catch {
    return undefined
  }
}
