/**
 * Clients that behave, in a process of their own, so that what they measure is the server and not the attackers beside them. Some write and read, one
 * after the other, at a walking pace, and whatever they ask must be answered; another one comes anew each time, and comes again when it is turned away, as
 * ZooKeeper's clients do. Started with the port; tells, when it is asked, what it has measured since.
 */
import { OpCode } from '../../lib/jute/op-codes.js'
import * as records from '../../lib/jute/records.js'
import type { Jute } from '../../lib/jute/schema.js'
import { WireClient } from '../helpers/wire-client.js'

/** Since the last time. */
export interface Report {
  readonly answered: number
  readonly p99Ms: number
  /** Sessions begun meanwhile, how often that took another attempt, and how long it took, those included. */
  readonly newcomers: number
  readonly turnedAway: number
  readonly newcomerP99Ms: number
}

const CLIENTS = 4
const PACE_MS = 10
const NEWCOMER_PACE_MS = 100
const ATTEMPT_AGAIN_MS = 50
const ACL = [{ perms: 31, id: { scheme: 'world', id: 'anyone' } }]
const port = Number(process.argv[2])
let times: number[] = []
let newcomerTimes: number[] = []
let turnedAway = 0

async function behave(path: string): Promise<never> {
  const client = await WireClient.connect(port)
  await timed(client, OpCode.create, records.createRequest, { path, data: null, acl: ACL, flags: 0 })
  for (;;) {
    await timed(client, OpCode.setData, records.setDataRequest, { path, data: Buffer.from('x'), version: -1 })
    await timed(client, OpCode.getData, records.watchRequest, { path, watch: false })
    await pause(PACE_MS)
  }
}

async function timed<B>(client: WireClient, opCode: number, body: Jute<B>, value: B): Promise<void> {
  const began = performance.now()
  const { err } = await client.ask(opCode, body, value)
  times.push(performance.now() - began)
  client.frames.length = 0
  if (err !== 0) throw new Error(`somebody who behaves was answered ${err}`)
}

async function comeAnew(): Promise<never> {
  for (;;) {
    const began = performance.now()
    let client = await WireClient.connect(port)
    while (client.responseBytes === undefined) {
      turnedAway += 1
      await pause(ATTEMPT_AGAIN_MS)
      client = await WireClient.connect(port)
    }
    newcomerTimes.push(performance.now() - began)
    const { err } = await client.ask(OpCode.closeSession)
    if (err !== 0) throw new Error(`somebody who leaves was answered ${err}`)
    await client.close()
    await pause(NEWCOMER_PACE_MS)
  }
}

function p99(all: number[]): number {
  return all.sort((a, b) => a - b)[Math.floor(all.length * 0.99)] ?? 0
}

function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}

process.on('message', () => {
  process.send?.({
    answered: times.length,
    p99Ms: p99(times),
    newcomers: newcomerTimes.length,
    turnedAway,
    newcomerP99Ms: p99(newcomerTimes),
  } satisfies Report)
  times = []
  newcomerTimes = []
  turnedAway = 0
})
process.on('disconnect', () => process.exit())
for (let at = 0; at < CLIENTS; at++) void behave(`/good-${at}`)
void comeAnew()
