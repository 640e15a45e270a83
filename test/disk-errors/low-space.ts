/**
 * A peer on a small disk that something else fills: it must refuse writes before the disk is full, stay alive, and take them again when
 * there is room. Run by disk-errors.test.ts, on a tmpfs: low-space.ts <mount point>. Prints what happened, in order, as one JSON array.
 */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Peer } from '../../lib/compose.js'
import type { ZooKeeperError } from '../../lib/model/errors.js'

const MIB = 1024 ** 2
const place = process.argv[2]!
const happened: string[] = []
const note = (what: string): unknown => happened.at(-1) === what || happened.push(what)
const pause = () => new Promise(resolve => setTimeout(resolve, 20))

const peer = await Peer.open({ id: 1, dataDir: join(place, 'data'), diskFreeBytesMin: 6 * MIB, tickMs: 100 })
const client = await peer.client()
const ballast = join(place, 'ballast')
let written = 0
const write = async (): Promise<boolean> => {
  try {
    await client.create(`/node-${written}`, Buffer.alloc(1024))
    written += 1
    note('taken')
    return true
  } catch (error) {
    const { code, outcome } = error as ZooKeeperError
    note(`${code} ${outcome}`)
    return false
  }
}
for (let count = 0; count < 5; count++) await write()
await writeFile(ballast, Buffer.alloc(8 * MIB))
while (await write()) await pause()
note(`low: ${peer.status.storageLow}, ${peer.status.state}, health ok: ${peer.health().ok}`)
await rm(ballast)
while (!(await write())) await pause()
note(`low: ${peer.status.storageLow}, all there: ${peer.view.children('/')?.length === written + 1}`)
await client.close()
await peer.close()
console.log(JSON.stringify(happened))
