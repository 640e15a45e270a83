import { Duplex } from 'node:stream'
import { expect } from 'chai'
import { hasCode } from '../../../lib/model/errors.js'
import { frameHeader } from '../../../lib/transport/frame.js'
import { StreamLink } from '../../../transports/stream-link.js'
import { Recorder, until } from '../../compliance/transport.js'

/** A stream that keeps every write apart, and that the test feeds by `push`. */
class Wire extends Duplex {
  readonly writes: Buffer[] = []
  /** While true, writes are kept waiting. */
  stuck = false
  #release: (() => void) | undefined

  override _read(): void {}

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(Buffer.concat(chunks.map(({ chunk }) => chunk)))
    if (this.stuck) this.#release = done
    else done()
  }

  /** Lets the pending write go, and with `all` the later ones too. */
  unstick(all = true): void {
    this.stuck = !all
    this.#release?.()
  }
}

describe('stream link', () => {
  const wired = (frameMs?: number) => {
    const wire = new Wire()
    const options = { remote: 'wire', onClosed: () => undefined, ...(frameMs === undefined ? {} : { frameMs }) }
    return { wire, end: new Recorder(new StreamLink(wire, options)) }
  }
  const turn = () => new Promise(resolve => setImmediate(resolve))

  it('sends in one write what is sent in one turn, large parts and small, over microtasks and ticks', async () => {
    const { wire, end } = wired()
    for (let i = 0; i < 100; i++) end.send(`frame ${i}`)
    await Promise.resolve()
    end.connection.send([Buffer.alloc(3), Buffer.alloc(70_000), Buffer.alloc(3)])
    process.nextTick(() => end.send('from a tick'))
    await until(() => wire.writes.length > 0, 'written')
    await turn()
    expect(wire.writes).to.have.length(1)
    expect(end.connection.bufferedBytes).to.equal(0)
    end.send('next turn')
    await until(() => wire.writes.length === 2, 'written')
    end.connection.destroy()
  })

  it('does not overwrite what a pending write still needs', async () => {
    const { wire, end } = wired()
    wire.stuck = true
    const expected: Buffer[] = []
    for (let round = 0; round < 300; round++) {
      const bytes = Buffer.alloc(1_000, round)
      end.connection.send([bytes])
      expected.push(Buffer.from(frameHeader(1_000)), Buffer.from(bytes))
      bytes.fill(0xff)
      await turn()
    }
    wire.unstick()
    await until(() => wire.writes.length >= 2, 'the rest is written')
    expect(Buffer.compare(Buffer.concat(wire.writes), Buffer.concat(expected))).to.equal(0)
    end.connection.destroy()
  })

  it('counts as buffered what is gathered and what the stream has not passed on', async () => {
    const { wire, end } = wired()
    wire.stuck = true
    end.connection.send([Buffer.alloc(96)])
    expect(end.connection.bufferedBytes).to.equal(100)
    await turn()
    await turn()
    end.connection.send([Buffer.alloc(196)])
    expect(end.connection.bufferedBytes).to.equal(300)
    wire.unstick()
    await until(() => end.connection.bufferedBytes === 0, 'all is passed on')
    end.connection.destroy()
  })

  it('does not tell of room while a later write still fills it', async () => {
    const { wire, end } = wired()
    end.send('hello')
    await until(() => wire.writes.length === 1, 'the first frame is written')
    wire.stuck = true
    expect(end.connection.send([Buffer.alloc(2_000_000)])).to.equal(false)
    await until(() => wire.writes.length === 2, 'the first is being written')
    expect(end.connection.send([Buffer.alloc(2_000_000)])).to.equal(false)
    await turn()
    wire.unstick(false)
    await until(() => wire.writes.length === 3, 'the second is being written')
    await turn()
    expect(end.drained).to.equal(0)
    wire.unstick()
    await until(() => end.drained === 1, 'room')
    end.connection.destroy()
  })

  it('still owes the frames behind a pause when the stream has closed already', async () => {
    for (const ending of ['resume', 'close', 'destroy'] as const) {
      const { wire, end } = wired()
      end.onFrame = () => end.connection.pause()
      wire.push(Buffer.concat([frameHeader(1), Buffer.from('a'), frameHeader(1), Buffer.from('b')]))
      await end.until(() => end.frames.length === 1)
      wire.destroy()
      await turn()
      await turn()
      expect(end.closings).to.have.length(0)
      end.onFrame = () => undefined
      end.connection[ending]()
      await end.until(() => end.closings.length === 1)
      expect(end.texts()).to.deep.equal(ending === 'resume' ? ['a', 'b'] : ['a'])
      expect(end.closings[0] === undefined).to.equal(ending !== 'resume')
    }
  })

  it('ends a connection whose frame is not complete in time, however it trickles (slowloris)', async () => {
    const { wire, end } = wired(60)
    wire.push(Buffer.concat([frameHeader(3), Buffer.from('one'), frameHeader(1_000)]))
    const trickle = setInterval(() => wire.push(Buffer.of(1)), 5)
    await end.until(() => end.closings.length === 1)
    clearInterval(trickle)
    expect(end.texts()).to.deep.equal(['one'])
    expect(hasCode(end.closings[0], 'PROTOCOL_ERROR')).to.equal(true)
  })

  it('does not take a run of frames cut in the middle, nor its own pause, for a slow one', async () => {
    const { wire, end } = wired(250)
    const bytes = Buffer.concat([frameHeader(4), Buffer.from('full')])
    let rounds = 0
    await new Promise<void>(resolve => {
      // Always in the middle of a frame, but never of the same one.
      wire.push(bytes.subarray(0, 6))
      const feed = setInterval(() => {
        wire.push(Buffer.concat([bytes.subarray(6), bytes.subarray(0, 6)]))
        if (++rounds === 30) {
          clearInterval(feed)
          resolve()
        }
      }, 10)
    })
    end.connection.pause()
    // Longer than the limit: that nothing happens can only be waited for. The limit is long enough for a busy machine.
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(end.closings).to.deep.equal([])
    end.connection.resume()
    wire.push(bytes.subarray(6))
    await end.until(() => end.frames.length === 31)
    end.connection.destroy()
  })

  it('keeps an error of its owner’s handler from stopping later frames', async () => {
    const { wire, end } = wired()
    end.onFrame = () => {
      throw new Error('of the owner')
    }
    const seen = new Promise(resolve => {
      const others = process.listeners('uncaughtException')
      process.removeAllListeners('uncaughtException')
      process.once('uncaughtException', error => {
        for (const listener of others) process.on('uncaughtException', listener)
        resolve(error)
      })
    })
    wire.push(Buffer.concat([frameHeader(1), Buffer.from('a')]))
    expect(((await seen) as Error).message).to.equal('of the owner')
    end.onFrame = () => undefined
    wire.push(Buffer.concat([frameHeader(1), Buffer.from('b')]))
    await end.until(() => end.frames.length === 2)
    end.connection.destroy()
  })
})
