// Live configuration: read now, told of every change. `subtree$` is the whole map each time, `data$` one value.
import { distinctUntilChanged, filter, map } from 'rxjs'
import { json, Peer } from 'vivarium'

const peer = await Peer.open({ id: 1, dataDir: ':memory:' })
const zk = await peer.client({ codec: json })
await zk.create('/config/gateway', { timeoutMs: 1500, retries: 2 }, { parents: true })
await zk.create('/config/logging', { level: 'info' })

// `stale` is true while this process is cut off from a majority: the value is the last one known.
const retries = zk.data$('/config/gateway').pipe(
  filter(({ exists }) => exists),
  map(({ value }) => value.retries),
  distinctUntilChanged(),
)
retries.subscribe(count => console.log(`retries: ${count}`))

zk.subtree$('/config').subscribe(({ znodes }) => {
  const entries = [...znodes].map(([path, { stat }]) => `${path} v${stat.version}`)
  console.log(entries.sort().slice(1).join(', ')) // without /config itself
})

// Read, change, write; again if somebody else was faster.
await zk.update('/config/gateway', gateway => ({ ...gateway, retries: gateway.retries + 1 }))
await zk.set('/config/logging', { level: 'debug' })
await zk.delete('/config/logging')
await zk.sync()

await zk.close()
await peer.close()
