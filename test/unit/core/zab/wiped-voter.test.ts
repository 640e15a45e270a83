/**
 * Z29, scripted: voters whose disks are lost while an older leader still lives and a newer one begins. The roles are given out here, so what is seen
 * holds whatever the election does.
 */
import { expect } from 'chai'
import { Leader } from '../../../../lib/core/zab/leader.js'
import type { Learner } from '../../../../lib/core/zab/learner.js'
import type { SessionId } from '../../../../lib/model/ids.js'
import type { Proposal } from '../../../../lib/model/proposal.js'
import { sameZxid, type Zxid, zxid } from '../../../../lib/model/zxid.js'
import { askNobody, forgetNothing } from '../../../simulation/mutants/fresh-disks.js'
import { replaceMethod } from '../../../simulation/mutants/mutant.js'
import { link, logOf, peer, ZabWorld } from './zab-world.js'

interface Voter {
  readonly zab: ZabWorld
  role: Leader | Learner | undefined
}

/** Voters, and one link from each learner to its leader. */
class Script {
  readonly voters = new Map<number, Voter>()
  readonly #ends = new Map<number, { readonly learner: number; readonly leader: number }>()
  #links = 0
  #now = 0

  constructor(count: number) {
    for (let id = 1; id <= count; id++) this.begin(id, { accepted: 1, current: 1 }, logOf(1, 2))
  }

  begin(id: number, epochs: { accepted: number; current: number }, log: readonly Proposal[]): void {
    const zab = new ZabWorld(log, epochs)
    if (log.length > 0) zab.history.logged(log.at(-1)!.zxid)
    this.voters.set(id, { zab, role: undefined })
  }

  lead(id: number): Leader {
    this.leave(id)
    const voter = this.voters.get(id)!
    const leader = voter.zab.leader([...this.voters.keys()], false, id)
    voter.role = leader
    leader.start()
    this.settle()
    return leader
  }

  follow(id: number, leader: number): void {
    this.leave(id)
    const voter = this.voters.get(id)!
    this.#links += 1
    this.#ends.set(this.#links, { learner: id, leader })
    const learner = voter.zab.learner('participant', { leader, link: this.#links, firstStart: false })
    voter.role = learner
    learner.start()
    this.settle()
  }

  /** @param unnoticed its leader goes on to think that the link lives. */
  leave(id: number, unnoticed = false): void {
    this.voters.get(id)!.role = undefined
    for (const [number, { learner, leader }] of this.#ends) {
      if (learner !== id) continue
      this.#ends.delete(number)
      const { role } = this.voters.get(leader)!
      if (!unnoticed && role instanceof Leader) role.onUnlinked(peer(id))
    }
  }

  wipe(id: number, unnoticed: boolean): void {
    this.leave(id, unnoticed)
    this.begin(id, { accepted: 0, current: 0 }, [])
  }

  propose(id: number): Zxid {
    const leader = this.voters.get(id)!.role as Leader
    const place = leader.nextZxid()!
    leader.propose(place, '0000000000000001' as SessionId, 1, 0, { kind: 'error', code: 'NO_NODE' })
    this.settle()
    return place
  }

  committed(id: number): Zxid {
    return this.voters.get(id)!.zab.history.committed
  }

  holders(at: Zxid): number[] {
    return [...this.voters.keys()].filter(id => this.voters.get(id)!.zab.history.contains(at))
  }

  current(id: number): number {
    return this.voters.get(id)!.zab.epochs.current
  }

  pass(ms: number): void {
    this.#now += ms
    this.settle()
  }

  settle(): void {
    for (let moved = true; moved; ) {
      moved = false
      for (const [id, voter] of this.voters) {
        voter.role?.tick(this.#now)
        for (const effect of voter.zab.outbox.take()) {
          moved = true
          if (effect.kind === 'send') {
            const ends = this.#ends.get(effect.link)
            if (ends === undefined) continue
            const to = ends.leader === id ? ends.learner : ends.leader
            const { role } = this.voters.get(to)!
            if (!(role instanceof Leader)) role?.onMessage(effect.message, this.#now)
            else if (effect.message.kind === 'learnerInfo')
              role.join(peer(id), link(effect.link), effect.message, this.#now)
            else role.onMessage(peer(id), effect.message, this.#now)
          } else if (effect.kind === 'saveEpochs') voter.role?.onEpochsSaved(effect.op)
          else if (effect.kind === 'append') {
            voter.zab.history.logged(effect.proposals.at(-1)!.zxid)
            voter.role?.onLogged()
          }
        }
      }
    }
  }
}

describe('a voter that loses its disk', () => {
  const [L, B, X, Y, Z] = [1, 2, 3, 4, 5] as const
  const bugs: (() => void)[] = []
  afterEach(() => {
    for (const undo of bugs.splice(0).reverse()) undo()
  })

  /** B has promised epoch 3 to L and forgets it; the leader of epoch 2 takes it in, and commits with it what neither L nor X has. */
  function forgottenPromise(unnoticed: boolean): { script: Script; leader: Leader; written: Zxid } {
    const script = new Script(5)
    script.lead(Y)
    for (const id of [L, B, X, Z]) script.follow(id, Y)
    const leader = script.lead(L)
    // X has told L what it had accepted, and goes back to the older leader before it promises anything.
    script.follow(X, L)
    script.follow(X, Y)
    script.follow(B, L)
    expect(leader.epoch).to.equal(3)
    script.wipe(B, unnoticed)
    script.follow(B, Y)
    expect(script.current(B), 'B is a voter again').to.equal(2)
    script.leave(X)
    const written = script.propose(Y)
    expect(script.committed(Y)).to.deep.equal(written)
    expect(script.holders(written)).to.deep.equal([B, Y, Z])
    script.follow(X, L)
    return { script, leader, written }
  }
  const newButWithout = (script: Script, written: Zxid): number[] =>
    [...script.voters.keys()].filter(id => script.current(id) >= 3 && !script.holders(written).includes(id))

  for (const unnoticed of [true, false]) {
    const how = unnoticed ? 'over a link that seems to live' : 'with its link'

    it(`Z29, Z13: is not counted for what it promised before: lost ${how}`, () => {
      const { script, leader, written } = forgottenPromise(unnoticed)
      expect(leader.phase).to.equal('discovery')
      expect(newButWithout(script, written)).to.deep.equal([])
      script.follow(Z, L)
      expect(script.voters.get(L)!.zab.told.at(-1)).to.equal('roleEnded: peer 5 knows more: epoch 2, 0x200000001')
      expect(newButWithout(script, written)).to.deep.equal([])
    })

    it(`this would be seen: a leader counts a promise that was lost ${how}`, () => {
      bugs.push(askNobody())
      if (!unnoticed) bugs.push(forgetNothing())
      const { script, written } = forgottenPromise(unnoticed)
      expect(newButWithout(script, written)).to.include.members([L, X])
    })
  }

  /** B acknowledges what L has not logged itself, and loses it; the third voter is away. */
  function forgottenAck(): { script: Script; written: Zxid } {
    const script = new Script(3)
    script.lead(L)
    for (const id of [B, X]) script.follow(id, L)
    script.leave(X)
    const written = zxid(2, 1)
    const leader = script.voters.get(L)!.role as Leader
    leader.propose(written, '0000000000000001' as SessionId, 1, 0, { kind: 'error', code: 'NO_NODE' })
    // Its own disk has not written it yet when B has.
    const own = script.voters.get(L)!.zab.outbox.take()
    const held = own.filter(each => each.kind === 'append')
    for (const each of own) if (each.kind !== 'append') script.voters.get(L)!.zab.outbox.put(each)
    script.settle()
    expect(script.holders(written)).to.deep.equal([L, B])
    script.wipe(B, false)
    expect(held).to.have.length(1)
    script.voters.get(L)!.zab.history.logged(written)
    leader.onLogged()
    script.follow(B, L)
    return { script, written }
  }

  it('Z29, Z21: is not counted for what it acknowledged before, nor taken in while no quorum of others follows', () => {
    const { script, written } = forgottenAck()
    expect(sameZxid(script.committed(L), written)).to.equal(false)
    expect(script.current(B)).to.equal(0)
    script.follow(X, L)
    script.pass(1000)
    expect(script.committed(L)).to.deep.equal(written)
    expect(script.holders(written)).to.deep.equal([L, B, X])
    expect(script.current(B)).to.equal(2)
  })

  it('this would be seen: an acknowledgement outlives the link and the disk', () => {
    bugs.push(replaceMethod(Leader.prototype, 'onUnlinked', () => () => {}))
    const { script, written } = forgottenAck()
    expect(script.committed(L)).to.deep.equal(written)
    expect(script.holders(written)).to.deep.equal([L])
  })
})
