/**
 * What somebody may do to a client port who means no good, or whose program is wrong: each an own connection, from begin to end. None waits for
 * the server longer than it must, but some hold on until they are thrown out.
 */
import { connect, type Socket } from 'node:net'
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import { JuteWriter } from '../../lib/jute/writer.js'
import { ZERO } from '../../lib/model/zxid.js'
import type { SeededRandom } from '../../lib/testing/seeded-random.js'

export interface Attack {
  readonly name: string
  /** Of a hundred. */
  readonly share: number
  run(attacker: Attacker): Promise<void>
}

/** One connection, from an address of its own range. */
export class Attacker {
  readonly random: SeededRandom
  readonly #socket: Socket
  readonly #ended: Promise<void>
  #received = 0
  #wake: (() => void) | undefined
  #closed = false

  constructor(port: number, localAddress: string, random: SeededRandom) {
    this.random = random
    this.#socket = connect({ port, host: '127.0.0.1', localAddress })
    this.#socket.on('error', () => {})
    this.#socket.on('data', chunk => {
      this.#received += chunk.length
      this.#wake?.()
    })
    this.#ended = new Promise(resolve =>
      this.#socket.once('close', () => {
        this.#closed = true
        this.#wake?.()
        resolve()
      }),
    )
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  frame(write: (writer: JuteWriter) => void): void {
    const writer = new JuteWriter()
    writer.begin()
    write(writer)
    writer.end()
    this.send(writer.take())
  }

  request(type: number, body: Uint8Array = new Uint8Array(0), xid = 1): void {
    this.frame(writer => {
      records.requestHeader.write(writer, { xid, type })
      for (const byte of body) writer.byte(byte)
    })
  }

  /** Asks for a session, and waits until there is one or the connection is over. */
  async attach(): Promise<void> {
    this.frame(writer =>
      records.connectRequest.write(writer, {
        protocolVersion: 0,
        lastZxidSeen: ZERO,
        timeOut: 1000,
        sessionId: records.NO_SESSION,
        passwd: new Uint8Array(records.PASSWORD_BYTES),
        readOnly: false,
      }),
    )
    await this.#more(37)
  }

  async answer(): Promise<void> {
    await this.#more(this.#received + 16)
  }

  stopReading(): void {
    this.#socket.pause()
  }

  /** Without a farewell, in the middle of whatever it was; but what it has said is on its way, and be it nothing: else nobody was attacked. */
  async leave(): Promise<void> {
    const said = new Promise<void>(resolve => this.#socket.write(new Uint8Array(0), () => resolve()))
    await Promise.race([said, this.#ended])
    if (this.random.chance(0.3)) this.#socket.resetAndDestroy()
    else this.#socket.destroy()
    await this.#ended
  }

  /** Until the server has had enough. */
  async thrownOut(): Promise<void> {
    await this.#ended
  }

  async #more(bytes: number): Promise<void> {
    while (this.#received < bytes && !this.#closed) {
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
    }
  }
}

const length = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32BE(value)
  return bytes
}

const open = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]

export const attacks: readonly Attack[] = [
  {
    name: 'random bytes',
    share: 25,
    async run(attacker) {
      attacker.send(attacker.random.bytes(1 + attacker.random.below(400)))
      await attacker.leave()
    },
  },
  {
    name: 'a length that cannot be',
    share: 15,
    async run(attacker) {
      if (attacker.random.chance(0.5)) await attacker.attach()
      attacker.send(length(attacker.random.pick([-1, -0x80000000, 0x7fffffff, 1_048_576, 9000, 0x72756f6b])))
      await attacker.thrownOut()
    },
  },
  {
    name: 'a frame that does not end',
    share: 15,
    async run(attacker) {
      if (attacker.random.chance(0.5)) await attacker.attach()
      const announced = attacker.random.pick([5, 100, 1_000_000])
      attacker.send(length(announced))
      attacker.send(attacker.random.bytes(attacker.random.below(Math.min(announced, 200))))
      await attacker.leave()
    },
  },
  {
    name: 'one byte, and silence',
    share: 1,
    async run(attacker) {
      if (attacker.random.chance(0.5)) await attacker.attach()
      attacker.send(Buffer.from([0]))
      await attacker.thrownOut()
    },
  },
  {
    name: 'an opcode that clients do not have',
    share: 15,
    async run(attacker) {
      await attacker.attach()
      const { check, createSession, deleteContainer, sasl } = OpCode
      const opCode = attacker.random.pick([check, createSession, deleteContainer, sasl, 0, 10, -1, 999, 0x7fffffff])
      attacker.request(opCode, attacker.random.bytes(attacker.random.below(30)))
      await attacker.thrownOut()
    },
  },
  {
    name: 'bodies that are none',
    share: 15,
    async run(attacker) {
      await attacker.attach()
      const opCodes = Object.values(OpCode).filter(opCode => opCode !== OpCode.closeSession)
      for (let xid = 1; xid <= 5; xid++)
        attacker.request(attacker.random.pick(opCodes), attacker.random.bytes(attacker.random.below(60)), xid)
      await attacker.answer()
      await attacker.leave()
    },
  },
  {
    name: 'passwords that are none',
    share: 5,
    async run(attacker) {
      attacker.frame(writer =>
        records.connectRequest.write(writer, {
          protocolVersion: 0,
          lastZxidSeen: ZERO,
          timeOut: 0x7fffffff,
          sessionId: '0100000000000001' as never,
          passwd: attacker.random.bytes(attacker.random.below(40)),
          readOnly: undefined,
        }),
      )
      await attacker.thrownOut()
    },
  },
  {
    name: 'nobody reads the answers',
    share: 1,
    async run(attacker) {
      await attacker.attach()
      const data = Buffer.alloc(100_000)
      attacker.frame(writer => {
        records.requestHeader.write(writer, { xid: 1, type: OpCode.create })
        records.createRequest.write(writer, { path: '/unread', data, acl: open, flags: 3 })
      })
      attacker.stopReading()
      for (let xid = 2; xid < 40; xid++) attacker.request(OpCode.getChildren2, Buffer.from('\0\0\0\x01/\0'), xid)
      await new Promise(resolve => setTimeout(resolve, attacker.random.below(50)))
      await attacker.leave()
    },
  },
  {
    name: 'nothing at all',
    share: 8,
    run: attacker => attacker.leave(),
  },
]
