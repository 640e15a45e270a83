import { once } from 'node:events'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { expect } from 'chai'
import type { PeerId } from '../../lib/model/ids.js'
import { frameHeader } from '../../lib/transport/frame.js'
import { encodeHello } from '../../lib/transport/handshake.js'
import { Chance } from '../crash/chance.js'
import { until } from '../crash/cluster.js'
import { type ProxyNetwork, proxied } from './proxy.js'

describe('proxy', () => {
  let network: ProxyNetwork
  let server: Server
  let dialler: Socket
  let acceptor: Socket
  const heard = { dialler: '', acceptor: '' }

  /** Member 2 dials member 1 and has said hello. */
  beforeEach(async () => {
    network = await proxied(2, new Chance(1))
    heard.dialler = heard.acceptor = ''
    server = createServer()
    await new Promise<void>(resolve => server.listen(network.listen(1).port, '127.0.0.1', resolve))
    const accepted = once(server, 'connection') as Promise<[Socket]>
    dialler = connect(Number(new URL(network.addresses[0]!).port), '127.0.0.1')
    const hello = encodeHello({
      protocolLowest: 1,
      protocolHighest: 1,
      ensemble: 'test',
      peer: 2 as PeerId,
      incarnation: '0'.repeat(32),
      membersHash: '0'.repeat(16),
      role: 'participant',
    })
    dialler.write(Buffer.concat([frameHeader(hello.length), hello]))
    ;[acceptor] = await accepted
    for (const socket of [dialler, acceptor]) socket.on('error', () => {})
    dialler.on('data', chunk => {
      heard.dialler += chunk.toString('latin1')
    })
    acceptor.on('data', chunk => {
      heard.acceptor += chunk.toString('latin1')
    })
    await until(5000, () => heard.acceptor.length === hello.length + 4, 'hello')
    heard.acceptor = ''
  })

  afterEach(async () => {
    dialler.destroy()
    acceptor.destroy()
    await network.close()
    server.close()
  })

  it('passes bytes on, both ways', async () => {
    dialler.write('there')
    acceptor.write('back')
    await until(5000, () => heard.acceptor === 'there' && heard.dialler === 'back', 'answer')
  })

  it('holds what is said in a direction that is cut, and nothing else', async () => {
    await network.cut([[2, 1]])
    dialler.write('lost')
    acceptor.write('back')
    await until(5000, () => heard.dialler === 'back', 'what is said the other way')
    expect(heard.acceptor).to.equal('')
  })

  it('holds the news that a side is gone, in a direction that is cut', async () => {
    await network.cut([
      [2, 1],
      [1, 2],
    ])
    const closed = once(dialler, 'close')
    dialler.destroy()
    await closed
    acceptor.write('anybody?')
    await new Promise(resolve => setTimeout(resolve, 50))
    expect(acceptor.readableEnded || acceptor.destroyed).to.equal(false)
    await network.cut([])
    await until(5000, () => acceptor.destroyed, 'end')
  })

  it('delays, and keeps the order', async () => {
    network.weather((from, to) => (from === 2 && to === 1 ? { delayMs: 100 } : undefined))
    const began = performance.now()
    dialler.write('one ')
    dialler.write('two')
    await until(5000, () => heard.acceptor === 'one two', 'late bytes')
    expect(performance.now() - began).to.be.greaterThan(95)
  })

  it('slows down', async () => {
    network.weather(() => ({ bytesPerSecond: 10_000 }))
    const began = performance.now()
    dialler.write('x'.repeat(2000))
    await until(5000, () => heard.acceptor.length === 2000, 'slow bytes')
    expect(performance.now() - began).to.be.greaterThan(100)
  })

  it('resets in the middle, when the first part has arrived', async () => {
    network.weather((from, to) => (from === 2 && to === 1 ? { resetAfterBytes: 7 } : undefined))
    dialler.write('0123456789')
    await until(5000, () => acceptor.destroyed && dialler.destroyed, 'end of both')
    expect(heard.acceptor).to.equal('0123456')
    expect(network.resets).to.equal(1)
  })
})
