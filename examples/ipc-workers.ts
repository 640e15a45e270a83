// Three workers on one machine share jobs: each worker is a process with a peer of its own, connected over Unix sockets
// (named pipes on Windows). A job belongs to whoever creates its claim; a worker that dies loses its claims with its session.
// node ipc-workers.js. Worker processes get two more arguments.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filter, firstValueFrom } from 'rxjs'
import { json, op, Peer } from 'vivarium'
import { ipc } from 'vivarium/transports/ipc'

const [directory, id] = process.argv.slice(2)

if (directory === undefined || id === undefined) {
  const created = await mkdtemp(join(tmpdir(), 'vivarium-'))
  const workers = [1, 2, 3].map(id => fork(process.argv[1] ?? '', [created, String(id)]))
  await Promise.all(workers.map(worker => once(worker, 'message'))) // 'left': nobody needs the quorum any more
  for (const worker of workers) worker.disconnect()
  await Promise.all(workers.map(worker => once(worker, 'exit')))
  await rm(created, { recursive: true })
} else {
  const pipes =
    process.platform === 'win32' ? `\\\\.\\pipe\\${directory.replaceAll(/[\\:]/g, '-')}-` : join(directory, 'worker-')
  const peer = await Peer.open({
    id: Number(id),
    dataDir: ':memory:', // kept while a majority of the workers lives
    transport: ipc({ path: `${pipes}${id}` }),
    members: Object.fromEntries([1, 2, 3].map(id => [id, `ipc://${`${pipes}${id}`.replaceAll('\\', '/')}`])),
  })
  const zk = await peer.client({ codec: json })

  if (id === '1') {
    const jobs = [1, 2, 3, 4, 5, 6].map(number => op.create(`/jobs/job-${number}`, { square: number }))
    await zk.multi([op.create('/claims'), op.create('/jobs'), ...jobs])
  }
  await firstValueFrom(zk.exists$('/jobs').pipe(filter(({ exists }) => exists)))

  for (;;) {
    const jobs = await zk.getChildren('/jobs')
    if (jobs.length === 0) break
    const claims = await zk.getChildren('/claims')
    const job = jobs.find(name => !claims.includes(name))
    if (job === undefined) {
      // All are being worked on: wait until one is done, or its worker has died.
      await firstValueFrom(zk.children$('/claims').pipe(filter(({ children }) => children.join() !== claims.join())))
      continue
    }
    const mine = await zk.create(`/claims/${job}`, id, { ephemeral: true }).catch(error => {
      if (error.code !== 'NODE_EXISTS') throw error // somebody was faster
    })
    if (mine === undefined) continue
    if ((await zk.exists(`/jobs/${job}`)) !== undefined) {
      const { value } = await zk.get(`/jobs/${job}`)
      console.log(`${job}: ${value.square ** 2}`)
      await zk.delete(`/jobs/${job}`)
    }
    await zk.delete(mine)
  }
  await zk.close()
  process.once('disconnect', () => peer.close())
  process.send?.('left')
}
