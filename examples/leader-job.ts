// A job that one of several processes does at a time, here as three peers of one process. Candidates queue up as ephemeral sequential
// znodes; the first leads, and the others each watch the one before them. This is not `peer.leader$`: that one tells who orders the
// ensemble's writes, moves without asking the job, and proves nothing to a third party. A candidate's znode does: the leader's
// writes go with `op.check(mine)`, so whoever has lost the lead without knowing it writes nothing any more.
import { filter, firstValueFrom } from 'rxjs'
import { json, op, Peer } from 'vivarium'
import { memory, memoryNetwork } from 'vivarium/transports/memory'

const network = memoryNetwork()
const members = { 1: 'memory://one', 2: 'memory://two', 3: 'memory://three' }
const names = ['one', 'two', 'three']
const open = names.map((name, index) =>
  Peer.open({ id: index + 1, dataDir: ':memory:', transport: memory({ network, name }), members }),
)
const peers = await Promise.all(open)
const clients = await Promise.all(peers.map(peer => peer.client({ codec: json })))
await clients[0]?.multi([op.create('/election'), op.create('/steps', 0)])

const candidates = []
for (const [index, zk] of clients.entries()) {
  // Every process would do this for itself; here they queue in the order of their names, so that the output is always the same.
  const mine = await zk.create('/election/candidate-', names[index], { ephemeral: true, sequential: true })
  candidates.push(lead())

  async function lead() {
    for (;;) {
      const queue = (await zk.getChildren('/election')).map(name => `/election/${name}`)
      const place = queue.indexOf(mine)
      if (place === 0) break
      await firstValueFrom(zk.exists$(queue[place - 1] ?? mine).pipe(filter(state => !state.exists)))
    }
    await zk.sync() // what the leader before has written is here
    const { value: done, stat } = await zk.get('/steps')
    console.log(`${names[index]} leads and goes on after step ${done}`)
    await zk.multi([op.check(mine), op.set('/steps', done + 2, { version: stat.version })])
    console.log(`${names[index]} has done steps ${done + 1} and ${done + 2}`)
    await zk.close() // or a crash: the znode goes with the session, and the next one leads
  }
}
await Promise.all(candidates)
await Promise.all(peers.map(peer => peer.close()))
