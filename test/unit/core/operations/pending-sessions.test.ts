import { expect } from 'chai'
import { PendingSessions } from '../../../../lib/core/operations/pending-sessions.js'
import { SessionTable } from '../../../../lib/core/session/session-table.js'
import { zxid } from '../../../../lib/model/zxid.js'
import { OTHER, SESSION } from './bench.js'

describe('pending sessions', () => {
  it('S4: a session is live from its creation to its closing, as prepared', () => {
    const table = new SessionTable([{ session: SESSION, timeoutMs: 1, password: new Uint8Array(16) }])
    const pending = new PendingSessions(table)
    expect([pending.isLive(SESSION), pending.isLive(OTHER)]).to.deep.equal([true, false])
    pending.opened(OTHER, zxid(1, 1))
    pending.closed(SESSION, zxid(1, 2))
    expect([pending.isLive(SESSION), pending.isLive(OTHER)]).to.deep.equal([false, true])
  })

  it('forgets what is committed, and nothing later', () => {
    const pending = new PendingSessions(new SessionTable())
    pending.opened(SESSION, zxid(1, 1))
    pending.opened(OTHER, zxid(1, 2))
    pending.closed(SESSION, zxid(1, 3))
    pending.committed(zxid(1, 2))
    expect(pending.size).to.equal(1)
    pending.committed(zxid(1, 3))
    expect(pending.size).to.equal(0)
  })
})
