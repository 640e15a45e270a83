/**
 * Where a peer tells what an operator should hear. A port: the library itself never writes to the console (R1).
 *
 * Always holds: a logger that throws never reaches the peer's own code (`guardLogger`), and the failure is not lost: health() says so.
 */
import { ZooKeeperError } from '../model/errors.js'

export type LogFields = Readonly<Record<string, unknown>>

/**
 * @example const peer = await Peer.open({ id: 1, dataDir: ':memory:', logger: consoleLogger() })
 */
export interface Logger {
  debug(message: string, fields?: LogFields): void
  info(message: string, fields?: LogFields): void
  warn(message: string, fields?: LogFields): void
  error(message: string, fields?: LogFields): void
}

export const logLevels = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof logLevels)[number]

/** Says nothing: the default. */
export const silentLogger: Logger = Object.freeze({ debug() {}, info() {}, warn() {}, error() {} })

/**
 * One line per message on the console, from `level` on.
 *
 * @example consoleLogger({ level: 'warn' })
 * @param options.level lowest level that is written. @default 'info'
 * @throws BAD_OPTIONS for another level
 */
export function consoleLogger(options: { readonly level?: LogLevel } = {}): Logger {
  const lowest = logLevels.indexOf(options.level ?? 'info')
  if (lowest < 0) throw new ZooKeeperError('BAD_OPTIONS', `level must be one of ${logLevels.join(', ')}`)
  const write = (level: LogLevel) => {
    if (logLevels.indexOf(level) < lowest) return () => {}
    return (message: string, fields?: LogFields) => {
      const line = `vivarium ${level}: ${message}`
      if (fields === undefined) console[level](line)
      else console[level](line, fields)
    }
  }
  return { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') }
}

/** What of a pino instance is used: fields come first there. */
export interface PinoLike {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/**
 * @example Peer.open({ …, logger: pinoLogger(pino({ name: 'coordination' })) })
 * @throws BAD_OPTIONS when one of the methods is missing
 */
export function pinoLogger(pino: PinoLike): Logger {
  if (logLevels.some(level => typeof pino?.[level] !== 'function')) {
    throw new ZooKeeperError('BAD_OPTIONS', `pinoLogger takes a logger with the methods ${logLevels.join(', ')}`)
  }
  return {
    debug: (message, fields = {}) => pino.debug(fields, message),
    info: (message, fields = {}) => pino.info(fields, message),
    warn: (message, fields = {}) => pino.warn(fields, message),
    error: (message, fields = {}) => pino.error(fields, message),
  }
}

/** The same logger, which can no longer throw; `failed` is told each time it did. */
export function guardLogger(logger: Logger, common: LogFields, failed: (error: unknown) => void): Logger {
  const guard =
    (level: LogLevel) =>
    (message: string, fields?: LogFields): void => {
      try {
        logger[level](message, { ...common, ...fields })
      } catch (error) {
        failed(error)
      }
    }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}
