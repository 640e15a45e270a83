import { expect } from 'chai'
import { Reaper, type ReaperOptions } from '../../../lib/core/reaper.js'
import { DataTree } from '../../../lib/core/tree/data-tree.js'
import { LifetimeAges } from '../../../lib/core/tree/lifetime-ages.js'
import { OPEN_ACL_UNSAFE } from '../../../lib/model/acl.js'
import { CONTAINER_MARK, type Owner, ttlMark } from '../../../lib/model/owner.js'
import type { TreeChange } from '../../../lib/model/tree-change.js'
import { zxid } from '../../../lib/model/zxid.js'

const FAR = 4_000_000_000_000

class World {
  readonly tree = new DataTree()
  readonly ages = new LifetimeAges(this.tree, 0)
  counter = 0
  now = 0
  reaper: Reaper | undefined

  lead(options: Partial<ReaperOptions> = {}): void {
    const all = { containerCheckIntervalMs: 1000, containerMaxPerMinute: 10_000, containerNeverUsedMs: 0, ...options }
    this.reaper = new Reaper(this.tree, this.ages, all, this.now)
  }

  /** Its wall clock is wrong on purpose: nobody may ask it. */
  create(path: string, owner?: Owner): void {
    this.counter++
    const made = { data: null, acl: OPEN_ACL_UNSAFE, owner }
    this.tree.create(path, made, this.counter, zxid(1, this.counter), this.counter % 2 === 0 ? 0 : FAR)
    this.#tell('created', path)
  }
  set(path: string): void {
    this.tree.setData(path, null, 1, zxid(1, ++this.counter), 0)
    this.#tell('dataChanged', path)
  }
  delete(path: string): void {
    this.tree.delete(path, zxid(1, ++this.counter))
    this.#tell('deleted', path)
  }

  /** What is due by then, and is taken away at once. */
  until(now: number): string[] {
    const reaped: string[] = []
    while (this.reaper!.nextAt <= now) {
      this.now = Math.max(this.now, this.reaper!.nextAt)
      for (const { path } of this.reaper!.due(this.now)) {
        reaped.push(path)
        this.delete(path)
      }
    }
    this.now = now
    return reaped
  }

  #tell(type: TreeChange['type'], path: string): void {
    this.ages.applied([{ type, path }], this.tree, this.now)
  }
}

describe('reaper', () => {
  it('takes a container away when its last child is gone, and an unused one never', () => {
    const world = new World()
    world.lead()
    for (const path of ['/used', '/unused', '/full']) world.create(path, CONTAINER_MARK)
    for (const path of ['/used/a', '/full/a', '/plain']) world.create(path)
    expect(world.until(5000)).to.deep.equal([])
    world.delete('/used/a')
    expect(world.until(5999)).to.deep.equal([])
    expect(world.until(6000)).to.deep.equal(['/used'])
    expect(world.until(100_000)).to.deep.equal([])
  })

  it('takes an unused container away after containerNeverUsedMs, counted from its last data', () => {
    const world = new World()
    world.lead({ containerNeverUsedMs: 2500 })
    world.create('/unused', CONTAINER_MARK)
    world.create('/set', CONTAINER_MARK)
    world.until(1500)
    world.set('/set')
    expect(world.until(3000)).to.deep.equal(['/unused'])
    expect(world.until(4000)).to.deep.equal([])
    expect(world.until(5000)).to.deep.equal(['/set'])
  })

  it('takes a TTL znode away when it has no children and its data are older than its TTL', () => {
    const world = new World()
    world.lead()
    for (const path of ['/short', '/set', '/full']) world.create(path, ttlMark(2500))
    world.create('/full/child')
    world.create('/long', ttlMark(60_000))
    expect(world.until(2500)).to.deep.equal([])
    world.set('/set')
    expect(world.until(3000)).to.deep.equal(['/short'])
    world.delete('/full/child')
    expect(world.until(4000), 'a child renews nothing').to.deep.equal(['/full'])
    expect(world.until(6000)).to.deep.equal(['/set'])
    expect(world.until(61_000)).to.deep.equal(['/long'])
    expect(world.ages.size).to.equal(0)
  })

  it('a new leader counts from when it first had the data itself, and from its start those it began with', () => {
    const world = new World()
    world.create('/before', ttlMark(10_000))
    world.now = 8000
    world.lead()
    expect(world.until(10_000)).to.deep.equal([])
    expect(world.until(11_000), 'seen as a follower').to.deep.equal(['/before'])
    world.create('/restarted', ttlMark(10_000))
    const restarted = new LifetimeAges(world.tree, 50_000)
    expect(restarted.ageOf('/restarted', world.tree.get('/restarted')!, 55_000)).to.equal(5000)
  })

  it('with a snapshot goes on ageing what it had, and begins anew with what is new to it', () => {
    const world = new World()
    world.create('/same', ttlMark(5))
    world.create('/set', ttlMark(5))
    const snapshot = new DataTree([...world.tree.entries()])
    snapshot.setData('/set', null, 1, zxid(1, 50), 0)
    world.ages.replaced(snapshot, 1000)
    const age = (path: string) => world.ages.ageOf(path, snapshot.get(path)!, 1500)
    expect([age('/same'), age('/set')]).to.deep.equal([1500, 500])
  })

  it('keeps to its pace, and looks at a large number in slices', () => {
    const world = new World()
    world.lead({ containerMaxPerMinute: 600 })
    for (let n = 0; n < 5000; n++) world.create(`/${n}`, ttlMark(1))
    expect(world.until(1000 + 59_900)).to.have.lengthOf(600)
    const slow = new World()
    slow.lead({ containerMaxPerMinute: 6 })
    for (let n = 0; n < 10; n++) slow.create(`/${n}`, ttlMark(1))
    expect(slow.until(1000 + 30_000)).to.have.lengthOf(4)
    const idle = new World()
    idle.lead()
    for (let n = 0; n < 10_000; n++) idle.create(`/${n}`, ttlMark(60_000))
    expect(idle.reaper!.due(1000)).to.deep.equal([])
    expect(idle.reaper!.nextAt).to.equal(1100)
  })

  it('costs nothing while there is no such znode', () => {
    const world = new World()
    world.lead()
    for (let n = 0; n < 10; n++) world.create(`/${n}`)
    expect(world.reaper!.nextAt).to.equal(Number.POSITIVE_INFINITY)
    expect(world.ages.size).to.equal(0)
    world.now = 99_999
    world.create('/ttl', ttlMark(1))
    expect(world.until(99_999)).to.deep.equal([])
    expect(world.until(101_000)).to.deep.equal(['/ttl'])
  })
})
