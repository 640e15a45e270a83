/**
 * Every transport is held to lib/transport/transport.ts by this one suite (invariants §4.1, §5.3, E8). A transport is a factory;
 * those over byte streams also give a raw socket, so that a stranger's bytes can be tried.
 */
import type { Duplex } from 'node:stream'
import { expect } from 'chai'
import { type ErrorCode, hasCode } from '../../lib/model/errors.js'
import { frameHeader } from '../../lib/transport/frame.js'
import {
  type Connection,
  FIRST_FRAME_BYTES_MAX,
  FRAME_BYTES_MAX,
  SEND_BYTES_MAX,
  type Transport,
} from '../../lib/transport/transport.js'

export interface TransportFixture {
  /** A new transport at an address of its own. */
  create(): Transport
  /** One more for the address at which `taken` listens. */
  createAt(taken: Transport): Transport
  /** An address of this kind at which nobody listens. */
  nobody(): string
  /** How many connections are made in a row. @default 1000 */
  readonly connects?: number
  /** Bytes instead of frames, ready for use (after a TLS handshake, if there is one). Absent: no byte stream underneath. */
  raw?(address: string): Promise<Duplex>
}

const never = new AbortController().signal

export function transportCompliance(name: string, makeFixture: () => TransportFixture): void {
  describe(`${name} as a transport`, () => {
    const fixture = makeFixture()
    const { connects = 1_000 } = fixture
    let opened: Transport[] = []

    afterEach(async () => {
      await Promise.all(opened.map(transport => transport.close()))
      opened = []
    })

    const create = (): Transport => {
      const transport = fixture.create()
      opened.push(transport)
      return transport
    }
    const listening = async () => {
      const transport = create()
      const accepted = new Accepted()
      await transport.listen(connection => accepted.take(connection))
      return { transport, accepted }
    }
    const pair = async () => {
      const { transport, accepted } = await listening()
      const dialler = create()
      const near = new Recorder(await dialler.dial(transport.address, { signal: never }))
      near.send('hello')
      const far = await accepted.next()
      await far.until(() => far.frames.length === 1)
      far.send('hello')
      await near.until(() => near.frames.length === 1)
      near.frames.length = 0
      far.frames.length = 0
      return { near, far, dialler, transport, accepted }
    }

    describe('frames', () => {
      it('arrive complete and in order, both ways, of any size up to the limit', async () => {
        const { near, far } = await pair()
        const sizes = [0, 1, 3, 4, 5, 100, 4095, 4096, 4097, 16_384, 65_535, 65_536, 65_537, 1_000_000, FRAME_BYTES_MAX]
        for (const [from, to] of [
          [near, far],
          [far, near],
        ] as const) {
          for (const [i, size] of sizes.entries()) from.connection.send([patterned(size, i)])
          await to.until(() => to.frames.length === sizes.length)
          for (const [i, size] of sizes.entries()) expect(Buffer.compare(to.frames[i]!, patterned(size, i))).to.equal(0)
        }
      })

      it('arrive in order by the ten thousand', async () => {
        const { near, far } = await pair()
        const count = 10_000
        for (let i = 0; i < count; i++) near.connection.send([frameHeader(i), patterned(i % 97, i)])
        await far.until(() => far.frames.length === count)
        for (let i = 0; i < count; i++) {
          expect(Buffer.compare(far.frames[i]!, Buffer.concat([frameHeader(i), patterned(i % 97, i)]))).to.equal(0)
        }
      })

      it('are sent as the parts back to back', async () => {
        const { near, far } = await pair()
        const parts = [patterned(3, 1), patterned(0, 2), patterned(20_000, 3), patterned(7, 4)]
        near.connection.send(parts)
        near.connection.send([])
        await far.until(() => far.frames.length === 2)
        expect(Buffer.compare(far.frames[0]!, Buffer.concat(parts))).to.equal(0)
        expect(far.frames[1]!.length).to.equal(0)
      })

      it('are not changed by what the sender does with a small buffer once they have left', async () => {
        const { near, far } = await pair()
        const bytes = Buffer.from('as it was')
        near.connection.send([bytes])
        await far.until(() => far.frames.length === 1)
        bytes.fill(0)
        expect(far.frames[0]!.toString()).to.equal('as it was')
        near.connection.send([Buffer.from('next')])
        await far.until(() => far.frames.length === 2)
        expect(far.frames[0]!.toString()).to.equal('as it was')
      })

      it('do not reach their receiver within the call that sends them', async () => {
        const { near, far } = await pair()
        near.send('one')
        expect(far.frames).to.have.length(0)
        await far.until(() => far.frames.length === 1)
      })

      it('over the limit are the programmer’s error, the first one has the smaller limit', async () => {
        const { near } = await pair()
        expect(() => near.connection.send([new Uint8Array(FRAME_BYTES_MAX), new Uint8Array(1)])).to.throw(
          'FRAME_BYTES_MAX',
        )
        const { transport } = await listening()
        const fresh = await create().dial(transport.address, { signal: never })
        new Recorder(fresh)
        expect(() => fresh.send([new Uint8Array(FIRST_FRAME_BYTES_MAX + 1)])).to.throw('FIRST_FRAME_BYTES_MAX')
      })
    })

    describe('back-pressure', () => {
      it('delivers nothing after the current frame until resume', async () => {
        const { near, far } = await pair()
        far.onFrame = () => far.connection.pause()
        for (const text of ['a', 'b', 'c']) near.send(text)
        await far.until(() => far.frames.length === 1)
        await turns(20)
        expect(far.texts()).to.deep.equal(['a'])
        far.connection.resume()
        expect(far.texts(), 'not within resume itself').to.deep.equal(['a'])
        await far.until(() => far.frames.length === 2)
        await turns(20)
        expect(far.texts()).to.deep.equal(['a', 'b'])
        far.onFrame = () => undefined
        far.connection.resume()
        await far.until(() => far.frames.length === 3)
      })

      it('takes pause and resume within one frame as nothing', async () => {
        const { near, far } = await pair()
        far.onFrame = () => {
          far.connection.pause()
          far.connection.resume()
        }
        for (const text of ['a', 'b', 'c']) near.send(text)
        await far.until(() => far.frames.length === 3)
        expect(far.texts()).to.deep.equal(['a', 'b', 'c'])
      })

      it('tells the sender to wait, and when there is room again', async () => {
        const { near, far } = await pair()
        far.connection.pause()
        const block = new Uint8Array(256 * 1024)
        let sent = 0
        // The operating system's buffers take some; they are filled in the turns between.
        while (near.connection.bufferedBytes < 2 * 1024 * 1024) {
          near.connection.send([block])
          sent++
          await turns(1)
        }
        expect(near.connection.send([block])).to.equal(false)
        sent++
        await turns(50)
        expect(near.drained).to.equal(0)
        far.connection.resume()
        await near.until(() => near.drained === 1)
        await far.until(() => far.frames.length === sent)
        expect(near.connection.bufferedBytes).to.equal(0)
        expect(near.connection.send([Buffer.from('room')])).to.equal(true)
        expect(near.drained).to.equal(1)
      })

      it('ends the connection of a sender that never waits, with OVERLOADED', async () => {
        const { near, far } = await pair()
        far.connection.pause()
        const block = new Uint8Array(1024 * 1024)
        for (let sent = 0; sent <= SEND_BYTES_MAX + 16 * block.length; sent += block.length)
          near.connection.send([block])
        await near.until(() => near.closings.length === 1)
        expectCode(near.closings[0], 'OVERLOADED')
        far.connection.destroy()
        await far.until(() => far.closings.length === 1)
      })

      it('still delivers what came before the other side closed, once resumed', async () => {
        const { near, far } = await pair()
        far.connection.pause()
        for (const text of ['a', 'b', 'c']) near.send(text)
        near.connection.close()
        await turns(50)
        expect(far.frames).to.have.length(0)
        expect(far.closings).to.have.length(0)
        far.connection.resume()
        await far.until(() => far.closings.length === 1)
        expect(far.texts()).to.deep.equal(['a', 'b', 'c'])
      })
    })

    describe('an end', () => {
      it('by close lets what was sent before leave, and is told to both once', async () => {
        const { near, far } = await pair()
        const count = 2_000
        for (let i = 0; i < count; i++) near.connection.send([patterned(200, i)])
        near.connection.close()
        near.connection.close()
        near.connection.send([Buffer.from('after the end')])
        await Promise.all([far.until(() => far.closings.length === 1), near.until(() => near.closings.length === 1)])
        expect(far.frames).to.have.length(count)
        expect(near.closings[0], 'this side closed').to.equal(undefined)
        expectCode(far.closings[0], 'TRANSPORT_FAILED')
        near.connection.close()
        near.connection.destroy()
        far.connection.destroy()
        await turns(20)
        expect(near.closings).to.have.length(1)
        expect(far.closings).to.have.length(1)
      })

      it('by destroy is told to both once, and loses a suffix only', async () => {
        const { near, far } = await pair()
        for (let i = 0; i < 500; i++) near.connection.send([frameHeader(i)])
        await turns(2)
        for (let i = 500; i < 1_000; i++) near.connection.send([frameHeader(i)])
        near.connection.destroy()
        near.connection.destroy()
        await Promise.all([far.until(() => far.closings.length === 1), near.until(() => near.closings.length === 1)])
        expect(near.closings[0]).to.equal(undefined)
        expectCode(far.closings[0], 'TRANSPORT_FAILED')
        for (const [i, frame] of far.frames.entries()) expect(frame.readInt32BE()).to.equal(i)
        expect(far.frames.length).to.be.at.most(500)
      })

      it('silences the side that ended, also in the middle of a chunk of frames', async () => {
        for (const end of ['close', 'destroy'] as const) {
          const { near, far } = await pair()
          far.onFrame = () => far.connection[end]()
          for (let i = 0; i < 100; i++) near.send('x')
          await far.until(() => far.closings.length === 1)
          await near.until(() => near.closings.length === 1)
          expect(far.frames).to.have.length(1)
          expect(far.closings[0]).to.equal(undefined)
        }
      })

      it('is never told from within the call that causes it', async () => {
        for (const end of ['close', 'destroy'] as const) {
          const { near, far } = await pair()
          near.connection[end]()
          expect(near.closings).to.have.length(0)
          await near.until(() => near.closings.length === 1)
          await far.until(() => far.closings.length === 1)
        }
      })

      it('by both at the same time is told to both', async () => {
        const { near, far } = await pair()
        near.connection.close()
        far.connection.close()
        await Promise.all([far.until(() => far.closings.length === 1), near.until(() => near.closings.length === 1)])
      })

      it('of a paused connection can come from its own side', async () => {
        const { near, far } = await pair()
        far.connection.pause()
        near.send('unread')
        await turns(5)
        far.connection.close()
        await Promise.all([far.until(() => far.closings.length === 1), near.until(() => near.closings.length === 1)])
        expect(far.frames).to.have.length(0)
      })
    })

    describe('dialling', () => {
      it('rejects with TRANSPORT_FAILED where nobody listens', async () => {
        await rejects(create().dial(fixture.nobody(), { signal: never }), 'TRANSPORT_FAILED')
      })

      it('rejects with TRANSPORT_FAILED for an address of another kind', async () => {
        for (const address of [
          '',
          'carrier-pigeon://here',
          'tcp://',
          'tcp://127.0.0.1:notaport',
          'ipc://',
          'memory://',
        ]) {
          await rejects(create().dial(address, { signal: never }), 'TRANSPORT_FAILED')
        }
      })

      it('rejects with ABORTED by a signal that has fired before or fires meanwhile', async () => {
        const { transport } = await listening()
        const dialler = create()
        await rejects(dialler.dial(transport.address, { signal: AbortSignal.abort() }), 'ABORTED')
        const abort = new AbortController()
        const dialling = dialler.dial(transport.address, { signal: abort.signal })
        abort.abort()
        await rejects(dialling, 'ABORTED')
      })

      it('is not undone by a signal that fires afterwards', async () => {
        const { transport, accepted } = await listening()
        const abort = new AbortController()
        const near = new Recorder(await create().dial(transport.address, { signal: abort.signal }))
        abort.abort()
        near.send('still here')
        const far = await accepted.next()
        await far.until(() => far.frames.length === 1)
      })

      it('rejects when its transport closes meanwhile, or has closed before', async () => {
        const { transport } = await listening()
        const dialler = create()
        const dialling = dialler.dial(transport.address, { signal: never })
        const closing = dialler.close()
        await rejects(dialling, 'TRANSPORT_FAILED')
        await closing
        await rejects(dialler.dial(transport.address, { signal: never }), 'TRANSPORT_FAILED')
      })

      it('names the other side', async () => {
        const { near, far } = await pair()
        expect(near.connection.remote).to.be.a('string').and.not.equal('')
        expect(far.connection.remote).to.be.a('string').and.not.equal('')
      })

      it(`works ${connects} times, ten at once, and leaves nothing behind`, async () => {
        const { transport, accepted } = await listening()
        accepted.onEach = far => {
          far.onFrame = bytes => far.connection.send([bytes])
        }
        const dialler = create()
        for (let round = 0; round < connects / 10; round++) {
          await Promise.all(
            Array.from({ length: 10 }, async (_, i) => {
              const near = new Recorder(await dialler.dial(transport.address, { signal: never }))
              near.send(`${round}/${i}`)
              await near.until(() => near.frames.length === 1)
              expect(near.texts()).to.deep.equal([`${round}/${i}`])
              near.connection.close()
              await near.until(() => near.closings.length === 1)
            }),
          )
        }
        expect(accepted.all).to.have.length(connects)
        await Promise.all(accepted.all.map(far => far.until(() => far.closings.length === 1)))
      }).timeout(60_000)
    })

    it('understands addresses of its own kind, and no others', async () => {
      const { transport } = await listening()
      expect(transport.understands(transport.address)).to.equal(true)
      expect(transport.understands(fixture.nobody())).to.equal(true)
      for (const other of ['', 'nothing', 'other://127.0.0.1:2888', 'other:///path']) {
        expect(transport.understands(other), other).to.equal(false)
      }
    })

    describe('listening', () => {
      it('rejects with PORT_IN_USE where another listens, who is not disturbed', async () => {
        const { transport, accepted } = await listening()
        const second = fixture.createAt(transport)
        opened.push(second)
        await rejects(
          second.listen(() => undefined),
          'PORT_IN_USE',
        )
        const near = new Recorder(await create().dial(transport.address, { signal: never }))
        near.send('hello')
        // Asking whether somebody is there may have been a connection of its own.
        await until(() => accepted.all.some(far => far.texts().includes('hello')), 'the first one hears')
      })

      it('rejects a second time with BAD_OPTIONS, and after close with TRANSPORT_FAILED', async () => {
        const { transport } = await listening()
        await rejects(
          transport.listen(() => undefined),
          'BAD_OPTIONS',
        )
        await transport.close()
        await rejects(
          transport.listen(() => undefined),
          'TRANSPORT_FAILED',
        )
      })

      it('frees the address when it closes', async () => {
        const { transport } = await listening()
        const next = fixture.createAt(transport)
        opened.push(next)
        await transport.close()
        await rejects(create().dial(next.address, { signal: never }), 'TRANSPORT_FAILED')
        await next.listen(() => undefined)
      })
    })

    describe('close', () => {
      it('is idempotent, ends every connection and leaves no handle', async () => {
        await turns(1) // by now the test's own time limit is running
        const before = handles()
        const { near, far, dialler, transport } = await pair()
        await Promise.all([transport.close(), transport.close()])
        await transport.close()
        await Promise.all([far.until(() => far.closings.length === 1), near.until(() => near.closings.length === 1)])
        await dialler.close()
        await until(() => handles() <= before, `no more handles than before: ${process.getActiveResourcesInfo()}`)
      })

      it('does not wait for ever for a peer that does not read', async () => {
        const { near, far, dialler, transport } = await pair()
        far.connection.pause()
        while (near.connection.send([new Uint8Array(512 * 1024)])) await turns(1)
        await dialler.close()
        expect(near.closings).to.deep.equal([undefined])
        await transport.close()
        expect(far.closings).to.deep.equal([undefined])
      })

      it('of a transport that never listened nor dialled resolves', async () => {
        await create().close()
      })
    })

    // Without a byte stream underneath, frames cannot be split or malformed.
    const { raw } = fixture
    if (raw === undefined) return
    describe('a stranger’s bytes', () => {
      const rawPair = async () => {
        const { transport, accepted } = await listening()
        const socket = await raw(transport.address)
        const far = await accepted.next()
        return { socket, far, transport, accepted }
      }
      /** A well-behaved connection of the same listener, to see that only the bad one is closed. */
      const bystander = async (transport: Transport, accepted: Accepted) => {
        const near = new Recorder(await create().dial(transport.address, { signal: never }))
        const far = await accepted.next()
        return {
          async stillWorks() {
            const seen = far.frames.length
            near.send('still here')
            await far.until(() => far.frames.length === seen + 1)
          },
        }
      }

      it('are one frame at every split, and with one byte at a time', async () => {
        const { socket, far } = await rawPair()
        const bytes = Buffer.concat([framed('first'), framed(''), framed('second'), framed('third')])
        let expected = 0
        for (let split = 0; split <= bytes.length; split++) {
          socket.write(bytes.subarray(0, split))
          await turns(1)
          socket.write(bytes.subarray(split))
          expected += 4
          await far.until(() => far.frames.length === expected)
          expect(far.texts().slice(-4)).to.deep.equal(['first', '', 'second', 'third'])
        }
        for (const byte of bytes) {
          socket.write(Buffer.of(byte))
          await turns(1)
        }
        await far.until(() => far.frames.length === expected + 4)
        expect(far.texts().slice(-4)).to.deep.equal(['first', '', 'second', 'third'])
        socket.destroy()
      })

      it('that are no frame end that connection only', async () => {
        const lengths = [-1, -(2 ** 31), 2 ** 31 - 1, FRAME_BYTES_MAX + 1]
        for (const length of lengths) {
          const { socket, far, transport, accepted } = await rawPair()
          const other = await bystander(transport, accepted)
          socket.write(Buffer.concat([framed('well'), frameHeader(length), Buffer.from('rest')]))
          await far.until(() => far.closings.length === 1)
          expect(far.texts()).to.deep.equal(['well'])
          expectCode(far.closings[0], 'PROTOCOL_ERROR')
          await other.stillWorks()
          socket.destroy()
        }
      })

      it('get four kilobytes for a first frame, and no more', async () => {
        const { socket, far, transport, accepted } = await rawPair()
        const other = await bystander(transport, accepted)
        socket.write(frameHeader(FIRST_FRAME_BYTES_MAX + 1))
        await far.until(() => far.closings.length === 1)
        expectCode(far.closings[0], 'PROTOCOL_ERROR')
        await other.stillWorks()
        socket.destroy()

        const again = await rawPair()
        again.socket.write(Buffer.concat([frameHeader(FIRST_FRAME_BYTES_MAX), new Uint8Array(FIRST_FRAME_BYTES_MAX)]))
        again.socket.write(
          Buffer.concat([frameHeader(FIRST_FRAME_BYTES_MAX + 1), new Uint8Array(FIRST_FRAME_BYTES_MAX + 1)]),
        )
        await again.far.until(() => again.far.frames.length === 2)
        again.socket.destroy()
      })

      it('that stop within a frame are a closed connection, not a frame', async () => {
        const { socket, far } = await rawPair()
        socket.end(Buffer.concat([framed('whole'), frameHeader(10), Buffer.from('half')]))
        await far.until(() => far.closings.length === 1)
        expect(far.texts()).to.deep.equal(['whole'])
        expectCode(far.closings[0], 'TRANSPORT_FAILED')
      })

      it('are not waited for by close', async () => {
        const { socket, far, transport } = await rawPair()
        await transport.close()
        await far.until(() => far.closings.length === 1)
        socket.destroy()
      })

      it('may say nothing on at most a hundred connections', async () => {
        const { transport, accepted } = await listening()
        const sockets: Duplex[] = []
        let refused = 0
        for (let i = 0; i < 120; i++) {
          const socket = await raw(transport.address).catch(() => undefined)
          if (socket === undefined) refused++
          else {
            socket.on('error', () => undefined)
            socket.once('close', () => refused++)
            socket.resume()
            sockets.push(socket)
          }
        }
        await until(() => refused === 20, 'twenty were refused')
        expect(accepted.all).to.have.length(100)
        for (const socket of sockets) socket.destroy()
        await Promise.all(accepted.all.map(far => far.until(() => far.closings.length === 1)))
        const near = new Recorder(await create().dial(transport.address, { signal: never }))
        near.send('room again')
        const far = accepted.all.at(-1)!
        await near.until(() => accepted.all.length === 101 || far.frames.length === 1)
      })
    })
  })
}

/** What one side of a connection has seen. */
export class Recorder {
  readonly connection: Connection
  readonly frames: Buffer[] = []
  readonly closings: (Error | undefined)[] = []
  drained = 0
  onFrame: (bytes: Buffer) => void = () => undefined

  constructor(connection: Connection) {
    this.connection = connection
    connection.start({
      frame: bytes => {
        expect(this.closings, 'no frame after the end').to.have.length(0)
        const copy = Buffer.from(bytes)
        this.frames.push(copy)
        this.onFrame(copy)
      },
      closed: error => this.closings.push(error),
      drained: () => this.drained++,
    })
  }

  send(text: string): boolean {
    return this.connection.send([Buffer.from(text)])
  }

  texts(): string[] {
    return this.frames.map(frame => frame.toString())
  }

  until(condition: () => boolean): Promise<void> {
    return until(condition, `${condition} (frames ${this.frames.length}, closings ${this.closings.length})`)
  }
}

class Accepted {
  readonly all: Recorder[] = []
  onEach: (recorder: Recorder) => void = () => undefined
  #taken = 0

  take(connection: Connection): void {
    const recorder = new Recorder(connection)
    this.all.push(recorder)
    this.onEach(recorder)
  }

  /** The next accepted connection nobody has asked for yet. */
  async next(): Promise<Recorder> {
    const index = this.#taken++
    await until(() => this.all.length > index, 'a connection was accepted')
    return this.all[index]!
  }
}

function framed(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([frameHeader(bytes.length), bytes])
}

function patterned(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size)
  for (let i = 0; i < size; i++) bytes[i] = (i * 31 + seed * 7) & 0xff
  return bytes
}

function turns(count: number): Promise<void> {
  return new Promise(resolve => {
    const step = () => (count-- <= 0 ? resolve() : setImmediate(step))
    step()
  })
}

/** Waits for a condition, looking once per turn of the event loop; gives up after five seconds. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = performance.now() + 5_000
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited in vain: ${what}`)
    await turns(1)
  }
}

function handles(): number {
  return process.getActiveResourcesInfo().filter(kind => kind !== 'Immediate' && kind !== 'TTYWrap').length
}

async function rejects(promise: Promise<unknown>, code: ErrorCode): Promise<void> {
  let error: unknown
  try {
    await promise
  } catch (caught) {
    error = caught
  }
  expectCode(error as Error | undefined, code)
}

function expectCode(error: Error | undefined, code: ErrorCode): void {
  expect(hasCode(error, code), `expected ${code}, got ${error}`).to.equal(true)
}
