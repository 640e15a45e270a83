// Three processes, each with a peer of its own; TCP between them, LevelDB in <directory>/<id>.
// node tcp-cluster.js [base port]: member n listens on 127.0.0.1, base port + n. Member processes get two more arguments.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom } from 'rxjs'
import { json, Peer } from 'vivarium'
import { tcp } from 'vivarium/transports/tcp'

const [basePort = '27190', directory, id] = process.argv.slice(2)
const port = Number(basePort)

if (directory === undefined || id === undefined) {
  const created = await mkdtemp(join(tmpdir(), 'vivarium-'))
  const processes = [1, 2, 3].map(id => fork(process.argv[1] ?? '', [basePort, created, String(id)]))
  await Promise.all(processes.map(member => once(member, 'message'))) // 'left': nobody needs the quorum any more
  for (const member of processes) member.disconnect()
  await Promise.all(processes.map(member => once(member, 'exit')))
  await rm(created, { recursive: true })
} else {
  const peer = await Peer.open({
    id: Number(id),
    dataDir: join(directory, id),
    transport: tcp({ port: port + Number(id) }),
    members: {
      1: `tcp://127.0.0.1:${port + 1}`,
      2: `tcp://127.0.0.1:${port + 2}`,
      3: `tcp://127.0.0.1:${port + 3}`,
    },
  })
  const zk = await peer.client({ codec: json })
  await zk.create(`/hello/${id}`, { pid: process.pid }, { parents: true })
  const { children } = await firstValueFrom(zk.children$('/hello').pipe(filter(state => state.children.length === 3)))
  console.log(`member ${id} sees ${children.join(', ')}`)
  await zk.close()
  process.once('disconnect', () => peer.close())
  process.send?.('left')
}
