import { expect } from 'chai'
import { consoleLogger, guardLogger, type LogLevel, type PinoLike, pinoLogger } from '../../../lib/host/logger.js'

describe('loggers', () => {
  it('consoleLogger refuses a level that does not exist', () => {
    expect(() => consoleLogger({ level: 'loud' as LogLevel })).to.throw(/BAD_OPTIONS.*debug, info, warn, error/)
  })

  it('pinoLogger refuses what has not the four methods', () => {
    for (const wrong of [undefined, {}, { info() {} }]) {
      expect(() => pinoLogger(wrong as unknown as PinoLike)).to.throw(/BAD_OPTIONS/)
    }
  })

  it('pinoLogger puts the fields first', () => {
    const told: unknown[] = []
    const tell = (...line: unknown[]) => void told.push(line)
    const logger = pinoLogger({ debug: tell, info: tell, warn: tell, error: tell })
    logger.warn('slow', { ms: 3 })
    logger.error('broken')
    expect(told).to.deep.equal([
      [{ ms: 3 }, 'slow'],
      [{}, 'broken'],
    ])
  })

  it('R1: a guarded logger never throws, and the failure is told', () => {
    const failures: unknown[] = []
    const broken = () => {
      throw new Error('disk full')
    }
    const logger = guardLogger({ debug: broken, info: broken, warn: broken, error: broken }, {}, error =>
      failures.push(error),
    )
    logger.error('x')
    expect(failures).to.have.length(1)
  })
})
