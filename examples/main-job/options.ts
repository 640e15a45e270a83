/** The command line of the main job. */
import { statSync } from 'node:fs'

export interface JobOptions {
  /** Ends by itself after this many milliseconds; undefined: when it is told to. */
  readonly forMs: number | undefined
  /** Each member keeps its data in `<dataDir>/<id>`. */
  readonly dataDir: string
  /** Member n listens on this port + n. */
  readonly basePort: number
  /** The folder whose files are the configuration. */
  readonly configDir: string
}

export const usage = `npm start -- [options]
  --for 20s        end after this time (ms, s, m)
  --data DIR       where the members keep their data        (./data)
  --port N         member n listens on 127.0.0.1:N+n        (27180)
  --config DIR     the folder with the configuration files  (./examples/config)`

export function parseOptions(args: readonly string[]): JobOptions {
  const known = new Map([
    ['--for', ''],
    ['--data', './data'],
    ['--port', '27180'],
    ['--config', './examples/config'],
  ])
  for (let index = 0; index < args.length; index += 2) {
    const [name, value] = [args[index]!, args[index + 1]]
    if (!known.has(name) || value === undefined) throw new Error(`unknown or incomplete option ${name}\n${usage}`)
    known.set(name, value)
  }
  const basePort = Number(known.get('--port'))
  if (!Number.isInteger(basePort) || basePort < 1 || basePort > 65_000)
    throw new Error(`--port must be 1 to 65000\n${usage}`)
  const configDir = known.get('--config')!
  if (!statSync(configDir, { throwIfNoEntry: false })?.isDirectory())
    throw new Error(`--config: there is no folder ${configDir}\n${usage}`)
  return {
    forMs: parseDuration(known.get('--for')!),
    dataDir: known.get('--data')!,
    basePort,
    configDir,
  }
}

function parseDuration(text: string): number | undefined {
  if (text === '') return undefined
  const parts = /^(\d+)(ms|s|m)$/.exec(text)
  if (parts === null) throw new Error(`--for takes a time such as 20s, not ${text}\n${usage}`)
  return Number(parts[1]) * { ms: 1, s: 1000, m: 60_000 }[parts[2] as 'ms' | 's' | 'm']
}
