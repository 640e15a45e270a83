/** Scenarios with less in them than a given one, each in one respect: fewer clients, less time, fewer peers. */
import type { HostScenario } from './host/host-scenario.js'
import type { Scenario } from './scenario.js'

/** What both depths have. */
type Extent = Pick<Scenario, 'clients' | 'pipelining' | 'durationMs'>

/** @param endedAtMs when the violation came. */
export function* smaller(scenario: Scenario, endedAtMs: number): Generator<Scenario> {
  const { voters, observers } = scenario.world
  // With one voter most faults would mean something else.
  if (voters > 3) yield { ...scenario, world: { ...scenario.world, voters: 3 } }
  for (let fewer = 0; fewer < observers; fewer++) yield { ...scenario, world: { ...scenario.world, observers: fewer } }
  // A slow leader is asked about at the end of its time.
  if (scenario.slowLeaderAtMs === undefined) {
    for (const durationMs of shorter(scenario.durationMs, endedAtMs)) yield { ...scenario, durationMs }
    for (const clientsStopAtMs of shorter(scenario.clientsStopAtMs ?? endedAtMs, endedAtMs))
      yield { ...scenario, clientsStopAtMs }
  }
  for (const less of fewerCalls(scenario)) yield { ...scenario, ...less }
}

export function* smallerOfHosts(scenario: HostScenario, endedAtMs: number): Generator<HostScenario> {
  const { voters, observers } = scenario
  if (voters > 3) yield { ...scenario, voters: 3 }
  for (let fewer = 0; fewer < observers; fewer++) yield { ...scenario, observers: fewer }
  for (const durationMs of shorter(scenario.durationMs, endedAtMs)) yield { ...scenario, durationMs }
  for (const less of fewerCalls(scenario)) yield { ...scenario, ...less }
}

function* shorter(ms: number, endedAtMs: number): Generator<number> {
  const needed = Math.min(ms, endedAtMs)
  for (const part of [0.1, 0.25, 0.5, 0.75]) yield Math.ceil(needed * part)
}

function* fewerCalls({ clients, pipelining }: Extent): Generator<Partial<Extent>> {
  for (let fewer = 1; fewer < clients; fewer++) yield { clients: fewer }
  for (const less of [1, 3]) if (less < pipelining) yield { pipelining: less }
}
