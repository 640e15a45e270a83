import { json, Peer } from 'vivarium'

const peer = await Peer.open({ id: 1, dataDir: ':memory:' })
const zk = await peer.client({ codec: json })

zk.data$('/config').subscribe(({ exists, value }) => console.log(exists ? value : 'nothing there yet'))
await zk.create('/config', { dark: false })
await zk.set('/config', { dark: true })
const { stat } = await zk.get('/config')
console.log(`version ${stat.version}`)

await zk.close()
await peer.close()
