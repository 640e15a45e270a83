import { expect } from 'chai'
import type { ClientRequest } from '../../../lib/model/request.js'
import { settled } from '../../helpers/virtual-clock.js'
import { failOnUnhandledRejections, record, refused, type World, world } from './world.js'

describe('addAuth', () => {
  failOnUnhandledRejections()
  let w: World
  const sent = (): string[] =>
    (w.channel.sent as readonly ClientRequest[]).map(request =>
      request.kind === 'auth' ? `auth ${request.scheme} ${new TextDecoder().decode(request.auth)}` : request.kind,
    )
  beforeEach(async () => {
    w = await world()
  })

  it('goes in its place among the calls', async () => {
    await Promise.all([w.zk.sync(), w.zk.addAuth('digest', 'alice:secret'), w.zk.sync()])
    expect(sent()).to.deep.equal(['sync', 'auth digest alice:secret', 'sync'])
  })

  it('is said again on every attachment, before the watches and all calls', async () => {
    const stream = record(w.zk.exists$('/a'))
    await w.zk.addAuth('digest', 'alice:secret')
    await w.zk.addAuth('digest', new TextEncoder().encode('bob:1'))
    await w.zk.addAuth('digest', 'alice:secret')
    w.channel.sent.length = 0
    w.channel.cut()
    await settled()
    const call = w.zk.sync()
    await w.clock.advance(1000)
    await call
    expect(sent().slice(0, 4)).to.deep.equal(['auth digest alice:secret', 'auth digest bob:1', 'setWatches', 'sync'])
    stream.stop()
  })

  it('survives the loss of the attachment it was said on', async () => {
    w.channel.hold()
    const call = w.zk.addAuth('digest', 'alice:secret')
    await settled()
    w.channel.cut()
    await w.clock.advance(1000)
    await call
  })

  it('ends the client when it is refused, for good', async () => {
    const stream = record(w.zk.data$('/a'))
    w.channel.script = request => {
      if ((request as ClientRequest).kind !== 'auth') return undefined
      queueMicrotask(() => w.channel.cut('AUTH_FAILED'))
      return { kind: 'failed', code: 'AUTH_FAILED', outcome: 'not-applied' }
    }
    const error = await refused(w.zk.addAuth('digest', 'alice:secret'), 'AUTH_FAILED')
    expect(error.message).to.not.include('secret')
    await settled()
    await refused(w.zk.get('/a'), 'AUTH_FAILED')
    expect(w.channel.attaches).to.have.lengthOf(1)
    expect(stream.ends).to.deep.equal(['AUTH_FAILED'])
    await w.zk.close()
  })

  it('ends the client also when its refusal was lost with the attachment', async () => {
    w.channel.hold()
    const ended = refused(w.zk.addAuth('digest', 'alice:secret'), 'AUTH_FAILED')
    await settled()
    w.channel.script = request => {
      if ((request as ClientRequest).kind !== 'auth') return undefined
      queueMicrotask(() => w.channel.cut('AUTH_FAILED'))
      return { kind: 'failed', code: 'AUTH_FAILED', outcome: 'not-applied' }
    }
    w.channel.cut()
    await w.clock.advance(1000)
    await ended
    expect(w.channel.attaches).to.have.lengthOf(2)
    await refused(w.zk.get('/a'), 'AUTH_FAILED')
    await w.zk.close()
  })

  it('refuses what is no scheme and no proof', async () => {
    await refused(w.zk.addAuth(1 as never, 'a'), 'BAD_ARGUMENTS')
    await refused(w.zk.addAuth('digest', 1 as never), 'BAD_ARGUMENTS')
    await refused(w.zk.addAuth('digest', '\ud800'), 'BAD_ARGUMENTS')
    await refused(w.zk.addAuth('digest', 'x'.repeat(70_000)), 'BAD_ARGUMENTS')
    await refused(w.zk.addAuth('digest', 'a:b', { what: 1 } as never), 'BAD_ARGUMENTS')
    expect(sent()).to.deep.equal([])
  })
})
