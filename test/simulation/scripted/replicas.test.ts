/** ZOOKEEPER-2623, 3306, etcd-14571: what every member makes of one request, of lists of ACLs behind a snapshot, and of who may do what. */
import { check } from '../../../lib/core/operations/check.js'
import { DataTree } from '../../../lib/core/tree/data-tree.js'
import { replaceMethod } from '../mutants/mutant.js'
import { HostScript } from './host-script.js'
import { mutant, plays } from './played.js'
import { attachRaw } from './raw-client.js'

describe('replicas', () => {
  plays(
    'ZOOKEEPER-2623: a check outside a multi is refused by everybody, leaves no mark, and everybody starts again',
    async () => {
      const script = await HostScript.begin()
      const zk = await script.client(script.leader)
      await script.of(zk.create('/n', '1'))
      await script.of(zk.create('/sync', ''))
      for (const peer of script.peers) {
        const raw = attachRaw(peer, () => undefined)
        for (const version of [-1, 0, 7]) {
          const response = await script.of(raw.ask({ kind: 'check', path: '/n', version }))
          script.equal('C7', 'the answer', response, { kind: 'error', code: 'UNIMPLEMENTED' })
        }
        await script.of(raw.ask({ kind: 'closeSession' }))
      }
      const txns = script.chain.entries.map(({ proposal }) => proposal.txn.kind)
      script.demand('C7', `no check is ordered: ${txns}`, !txns.includes('check'))
      const { version } = (await script.of(zk.get('/n'))).stat
      script.equal('C7', 'version', version, 0)
      for (const peer of script.peers) peer.crash(false)
      await script.start()
      await script.end()
    },
    {
      name: 'a lone check becomes a txn',
      rows: ['C7'],
      plant: () => {
        const { prepare } = check
        const mutable = check as { prepare: typeof prepare }
        mutable.prepare = ({ path, version }) => ({ kind: 'check', path, version }) as never
        return () => {
          mutable.prepare = prepare
        }
      },
    },
  )

  plays(
    'ZOOKEEPER-3306: lists of ACLs that come, change and go are the same on every member, also on one that was given a snapshot',
    async () => {
      const script = await HostScript.begin({ peer: { checkpointLogBytes: 1024, logBytesKept: 0, logEntriesKept: 0 } })
      const [late, other] = script.followers
      const zk = await script.client(other)
      const list = (id: string) => [
        { scheme: 'world', id: 'anyone', perms: 31 },
        { scheme: 'digest', id: `${id}:x`, perms: 1 },
      ]
      let paths = Array.from({ length: 12 }, (_, n) => `/n${n}`)
      for (const path of paths) await script.of(zk.create(path, path))
      // Some lists are shared, some go with the last znode that has them.
      const change = async (round: number): Promise<void> => {
        for (const [n, path] of paths.entries())
          await script.of(zk.setAcl(path, list(`of-${(n + round) % 3}-${round}`)))
      }
      await change(1)
      let snapshots = 0
      script.listen((peer, input) => {
        if (peer === late.id && input.kind === 'snapshotInstalled') snapshots += 1
      })
      late.crash(false)
      await change(2)
      await script.of(zk.delete('/n3'))
      paths = paths.filter(path => path !== '/n3')
      await script.of(late.start())
      await change(3)
      await script.serving()
      script.reached('it came back to a snapshot', snapshots === 1)
      await change(4)
      for (const peer of script.peers) {
        const reader = await script.client(peer)
        await script.of(reader.sync('/'))
        for (const path of paths) {
          const { acl } = await script.of(reader.getAcl(path))
          script.equal('Z26', `${path} at peer ${peer.id}`, acl, (await script.of(zk.getAcl(path))).acl)
          script.equal('Z26', 'its data', (await script.of(reader.get(path))).value, path)
        }
        await script.of(reader.close())
      }
      late.crash(false)
      await script.of(late.start())
      await script.end()
    },
    {
      name: 'a change of an ACL does not reach everybody',
      rows: ['Z26', 'L3'],
      plant: () => {
        let calls = 0
        return replaceMethod(DataTree.prototype, 'setAcl', setAcl => {
          return function (this: DataTree, path, acl, version, zxid) {
            calls += 1
            const before = this.get(path)
            return setAcl.call(this, path, calls % 17 === 0 && before !== undefined ? before.acl : acl, version, zxid)
          }
        })
      },
    },
  )

  plays(
    'etcd-14571: who may do what is decided by the leader, by its own options, and applied alike by members that have others',
    async () => {
      const script = await HostScript.begin({ own: id => (id === 2 ? { skipAcl: true } : {}) })
      script.reached('3 leads, and looks at ACLs', script.leader.id === 3)
      const zk = await script.client(script.peer(1))
      const acl = [{ perms: 31, scheme: 'digest', id: 'somebody:else' }]
      await script.of(zk.create('/secret', '0', { acl }))
      await script.of(zk.sync('/'))
      let writes = 0
      const nobody = (id: number) => attachRaw(script.peer(id), () => undefined, undefined, [])
      const attempt = async (id: number): Promise<string> => {
        writes += 1
        const client = nobody(id)
        const data = new TextEncoder().encode(`write ${writes}`)
        const response = await script.of(client.ask({ kind: 'setData', path: '/secret', data, version: -1 }))
        await script.of(client.ask({ kind: 'closeSession' }))
        return response.kind === 'error' ? response.code : response.kind
      }
      for (const { id } of script.peers) script.equal('Z26', `by ${id}`, await attempt(id), 'NO_AUTH')
      script.leader.crash(false)
      await script.until('2 leads, and does not', () => script.leader?.id === 2 && script.leader.opened!.status.serving)
      await script.serving()
      for (let round = 0; round < 5; round++)
        for (const id of [1, 2]) script.equal('Z26', `by ${id}`, await attempt(id), 'stat')
      await script.of(script.peer(3).start())
      await script.serving()
      script.equal('Z26', 'by 3', await attempt(3), 'stat')
      // What a member shows is its own affair.
      const reads = []
      for (const { id } of script.peers) {
        const client = nobody(id)
        await script.of(client.ask({ kind: 'sync', path: '/' }))
        const response = await script.of(client.ask({ kind: 'getData', path: '/secret', watch: false }))
        reads.push(response.kind === 'error' ? response.code : response.kind)
        await script.of(client.ask({ kind: 'closeSession' }))
      }
      script.equal('C7', 'what 1, 2 and 3 show', reads, ['NO_AUTH', 'data', 'NO_AUTH'])
      await script.of(zk.close())
      await script.end()
    },
    mutant('applying looks at something of its own'),
  )
})
