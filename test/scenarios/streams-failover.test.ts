/**
 * W10 as an application meets it: observables on survivors while their leader is killed. They say `stale`, come back by themselves,
 * never go back, and end on what was written last.
 */
import { expect } from 'chai'
import { filter, firstValueFrom, type Observable, type Subscription } from 'rxjs'
import type { Client, ZnodeEvent } from '../../lib/index.js'
import { type EnsembleKind, TestEnsemble } from './test-ensemble.js'

/** All that one stream says, and how it ended. */
class Log<T> {
  readonly seen: T[] = []
  end: unknown
  readonly #subscription: Subscription

  constructor(stream: Observable<T>) {
    this.#subscription = stream.subscribe({
      next: value => this.seen.push(value),
      error: error => {
        this.end = error
      },
      complete: () => {
        this.end = 'complete'
      },
    })
  }

  get last(): T | undefined {
    return this.seen.at(-1)
  }

  stop(): void {
    this.#subscription.unsubscribe()
  }
}

function expectNeverBack(zxids: readonly bigint[]): void {
  for (const [index, zxid] of zxids.slice(1).entries()) expect(zxid >= zxids[index]!, `${zxids}`).to.equal(true)
}

const until = <T>(stream: Observable<T>, holds: (value: T) => boolean): Promise<T> =>
  firstValueFrom(stream.pipe(filter(holds)))

for (const kind of ['memory', 'tcp and LevelDB'] satisfies EnsembleKind[]) {
  describe(`observables of a survivor over ${kind}`, () => {
    let ensemble: TestEnsemble
    const logs: Log<unknown>[] = []
    const log = <T>(stream: Observable<T>): Log<T> => {
      const made = new Log(stream)
      logs.push(made)
      return made
    }
    beforeEach(async () => {
      ensemble = await TestEnsemble.make(kind, 3)
      await ensemble.openAll()
    })
    afterEach(async () => {
      for (const each of logs.splice(0)) each.stop()
      await ensemble.end()
    })

    /** Writes `/n` and a child of `/dir` again and again, each write until it is acknowledged; tells the last number. */
    const writing = (zk: Client<string>) => {
      let stopped = false
      let n = 0
      const done = (async () => {
        while (!stopped) {
          n += 1
          await zk.set('/n', String(n))
          await zk.create(`/dir/${n}`, String(n), { ifMissing: true })
        }
        return n
      })()
      return {
        stop: () => {
          stopped = true
          return done
        },
      }
    }

    it('W10: go stale when their leader is killed, come back, never go back and lose no last update', async () => {
      const former = ensemble.leader
      const [one, two] = ensemble.followers
      const doomed = await ensemble.client(former)
      const watcher = await ensemble.client(one!)
      const writer = await ensemble.client(two!)
      await writer.create('/n', '0')
      await writer.create('/dir')
      await writer.create('/quiet', 'nobody writes here')
      await doomed.create('/held', 'by a session of the killed peer', { ephemeral: true })
      await watcher.sync('/')

      const data = log(watcher.data$('/n'))
      const quiet = log(watcher.data$('/quiet'))
      const exists = log(watcher.exists$('/held'))
      const children = log(watcher.children$('/dir'))
      const subtree = log(watcher.subtree$('/dir'))
      const events: Log<ZnodeEvent> = log(watcher.events$('/n'))
      const states = log(watcher.state$)
      await until(watcher.data$('/n'), state => state.exists) // so its watch stands
      const work = writing(writer)
      await until(watcher.data$('/n'), ({ value }) => Number(value) >= 10)
      await until(watcher.exists$('/held'), state => state.exists)

      const stale = until(watcher.data$('/n'), state => state.stale)
      await ensemble.cut(former)
      const count = Number((await stale).value)
      await until(watcher.data$('/n'), state => !state.stale && Number(state.value) > count + 10)
      const last = await work.stop()
      await until(watcher.data$('/n'), ({ value }) => value === String(last))
      await until(watcher.children$('/dir'), state => state.children.length === last)
      await until(watcher.subtree$('/dir'), state => state.znodes.size === last + 1)
      await until(watcher.exists$('/held'), state => !state.exists)
      await until(watcher.data$('/quiet'), state => !state.stale)

      expect(ensemble.leader).to.not.equal(former)
      expect(logs.map(each => each.end)).to.deep.equal(logs.map(() => undefined))
      for (const stream of [data, quiet, exists, children, subtree]) {
        expect(stream.seen.some(state => state.stale)).to.equal(true)
        expect(stream.last?.stale).to.equal(false)
        expectNeverBack(stream.seen.map(state => state.zxid))
      }
      expect(quiet.seen.map(({ stale }) => stale)).to.deep.equal([false, true, false])
      expect(states.seen).to.include('suspended')
      expect(states.last).to.equal('connected')
      const values = data.seen.map(({ value }) => Number(value))
      expect(values).to.deep.equal([...values].sort((a, b) => a - b))
      expectNeverBack(events.seen.flatMap(({ zxid }) => zxid ?? []))
      expect(new Set(subtree.last?.znodes.keys())).to.deep.equal(
        new Set(['/dir', ...(children.last?.children ?? []).map(name => `/dir/${name}`)]),
      )
      // The watch itself was not lost, so neither was any event; and no write was made twice.
      expect(data.last?.stat?.version).to.equal(last)
      expect(events.seen.map(({ type }) => type)).to.deep.equal(Array.from({ length: last }, () => 'dataChanged'))
    })

    it('W10: stay stale while there is no quorum, and show what was written behind its back when there is one again', async () => {
      const lonely = ensemble.followers[0]!
      const others = [1, 2, 3].filter(id => id !== lonely)
      const watcher = await ensemble.client(lonely)
      await watcher.create('/n', 'before')
      const data = log(watcher.data$('/n'))
      const children = log(watcher.children$('/'))
      await until(watcher.data$('/n'), ({ value }) => value === 'before')

      const stale = until(watcher.data$('/n'), state => state.stale)
      await Promise.all(others.map(id => ensemble.cut(id)))
      await stale
      expect((await firstValueFrom(watcher.data$('/n'))).value).to.equal('before')

      await Promise.all(others.map(id => ensemble.open(id)))
      await ensemble.serving()
      const writer = await ensemble.client(others[0]!)
      await writer.set('/n', 'after')
      await writer.create('/new', '')
      await until(watcher.data$('/n'), ({ value, stale }) => value === 'after' && !stale)
      await until(watcher.children$('/'), state => state.children.includes('new'))
      expect([data.end, children.end]).to.deep.equal([undefined, undefined])
      expect(data.seen.map(({ value, stale }) => [value, stale])).to.deep.include.members([
        ['before', false],
        ['before', true],
        ['after', false],
      ])
      expect(await firstValueFrom(watcher.state$)).to.equal('connected')
    })
  })
}
