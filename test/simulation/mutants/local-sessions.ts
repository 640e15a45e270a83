/** Mutants in sessions that only one peer knows, and in what a peer without a leader gives. */
import { create } from '../../../lib/core/operations/create.js'
import { multi } from '../../../lib/core/operations/multi.js'
import type { PrepareContext } from '../../../lib/core/operations/operation.js'
import { ForwardStation } from '../../../lib/core/pipeline/forward.js'
import { RequestPipeline } from '../../../lib/core/pipeline/request-pipeline.js'
import { LocalSessions } from '../../../lib/core/session/local-sessions.js'
import type { ForwardedRequest } from '../../../lib/core/zab/messages.js'
import { falseStates, localSessions, rotting, type ScenarioChange } from '../scenario.js'
import { changeEffects, type Mutant, replaceMethod } from './mutant.js'

const neverUpgraded: ScenarioChange = { ...localSessions, localSessions: 'never upgraded' }

/** As if every session were known to the leader. */
function trusting(context: PrepareContext): PrepareContext {
  const sessions = Object.create(context.sessions, { speaksFor: { value: () => true } })
  return { ...context, sessions, requester: { ...context.requester, local: false } }
}

/** Whatever is known to be wrong with a peer's state. */
function alwaysSound(): () => void {
  return replaceMethod(RequestPipeline.prototype, 'tick', tick => {
    return function (this: RequestPipeline, now) {
      tick.call(this, now, true)
    }
  })
}

export const localSessionMutants: readonly Mutant[] = [
  {
    name: 'a local session owns an ephemeral',
    rows: ['S10', 'S4'],
    scenario: neverUpgraded,
    plant: () => replaceMethod(create, 'prepare', prepare => (request, context) => prepare(request, trusting(context))),
  },
  {
    name: 'a local session owns an ephemeral that it made in a multi',
    rows: ['S10', 'S4'],
    scenario: neverUpgraded,
    plant: () => replaceMethod(multi, 'prepare', prepare => (request, context) => prepare(request, trusting(context))),
  },
  {
    name: 'a session is upgraded behind its first ephemeral',
    about: 'ZOOKEEPER-1863 and its like: what belongs in front comes behind',
    rows: ['S10', 'L2'],
    scenario: localSessions,
    plant: () =>
      replaceMethod(ForwardStation.prototype, 'submit', submit => {
        const held = new WeakMap<ForwardStation, ForwardedRequest>()
        return function (this: ForwardStation, request) {
          if (request.request.kind === 'createSession') {
            held.set(this, request)
            return
          }
          submit.call(this, request)
          const upgrade = held.get(this)
          held.delete(this)
          if (upgrade !== undefined) submit.call(this, upgrade)
        }
      }),
  },
  {
    name: 'an upgraded session stays a local one, too',
    rows: ['S2', 'C16'],
    scenario: localSessions,
    plant: () => replaceMethod(LocalSessions.prototype, 'end', () => () => {}),
  },
  {
    name: 'a peer without a leader says that it took an update',
    rows: ['C15'],
    scenario: localSessions,
    plant: () =>
      changeEffects(effects =>
        effects.map(effect =>
          effect.kind === 'reply' && effect.response.kind === 'error' && effect.response.code === 'NOT_READ_ONLY'
            ? { ...effect, response: { kind: 'done' } }
            : effect,
        ),
      ),
  },
  {
    name: 'a damaged peer without a leader gives what it has to read',
    rows: ['D3'],
    scenario: { ...rotting, localSessions: 'upgraded', clients: 6, faults: ['crash', 'isolateLeader', 'crashAll'] },
    plant: alwaysSound,
  },
  {
    name: 'a peer whose state is false gives it to read',
    rows: ['Z31', 'C5', 'C3'],
    scenario: { ...falseStates, ...localSessions, faults: ['falseState', 'isolateLeader', 'crashAll'] },
    plant: alwaysSound,
  },
]
