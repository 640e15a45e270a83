/**
 * Clients that behave, in a process of their own, so that what they measure is the server and not the attackers beside them. Each writes and reads, one
 * after the other, at a walking pace; whatever it asks must be answered. Started with the port; tells, when it is asked, what it has measured since.
 */
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import type { Jute } from '../../lib/jute/schema.js'
import { WireClient } from '../helpers/wire-client.js'

/** Since the last time. */
export interface Report {
  readonly answered: number
  readonly p99Ms: number
}

const CLIENTS = 4
const PACE_MS = 10
const ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const port = Number(process.argv[2])
let times: number[] = []

async function behave(path: string): Promise<never> {
  const client = await WireClient.connect(port)
  await timed(client, OpCode.create, records.createRequest, { path, data: null, acl: ACL, flags: 0 })
  for (;;) {
    await timed(client, OpCode.setData, records.setDataRequest, { path, data: Buffer.from('x'), version: -1 })
    await timed(client, OpCode.getData, records.watchRequest, { path, watch: false })
    await new Promise(resolve => setTimeout(resolve, PACE_MS))
  }
}

async function timed<B>(client: WireClient, opCode: number, body: Jute<B>, value: B): Promise<void> {
  const began = performance.now()
  const { err } = await client.ask(opCode, body, value)
  times.push(performance.now() - began)
  client.frames.length = 0
  if (err !== 0) throw new Error(`somebody who behaves was answered ${err}`)
}

process.on('message', () => {
  const sorted = times.sort((a, b) => a - b)
  process.send?.({ answered: sorted.length, p99Ms: sorted[Math.floor(sorted.length * 0.99)] ?? 0 } satisfies Report)
  times = []
})
process.on('disconnect', () => process.exit())
for (let at = 0; at < CLIENTS; at++) void behave(`/good-${at}`)
