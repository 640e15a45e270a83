/**
 * One znode of a client, typed by a codec of its own: the client's calls without the path.
 * Always holds: it has no state; it lives as long as the client does. Before: `client.at`. After: client.ts.
 */
import type { Observable } from 'rxjs'
import type { Client, CreateOptions, Data, DeleteOptions, SetOptions } from './client.js'
import type { CallOptions } from './client-options.js'
import type { Stat } from './stat.js'
import type { ChildrenState, DataState, ExistsState } from './streams.js'

/**
 * @example
 * const limit = zk.at('/config/limit', json as Codec<number>)
 * await limit.set(10, { upsert: true })
 * limit.data$.subscribe(({ value }) => …)
 */
export class ZnodeHandle<T> {
  readonly path: string
  readonly #client: Client<T>

  constructor(client: Client<T>, path: string) {
    this.#client = client
    this.path = path
  }

  /** See `Client.create`. @example await limit.create(10, { parents: true }) */
  create(value?: T, options?: CreateOptions): Promise<string> {
    return this.#client.create(this.path, value, options)
  }

  /** See `Client.get`. @example const { value } = await limit.get() */
  get(options?: CallOptions): Promise<Data<T>> {
    return this.#client.get(this.path, options)
  }

  /** See `Client.exists`. @example const stat = await limit.exists() */
  exists(options?: CallOptions): Promise<Stat | undefined> {
    return this.#client.exists(this.path, options)
  }

  /** See `Client.set`. @example await limit.set(11, { version: 0 }) */
  set(value: T | undefined, options?: SetOptions): Promise<Stat> {
    return this.#client.set(this.path, value, options)
  }

  /** See `Client.update`. @example await limit.update(value => (value ?? 0) + 1) */
  update(
    change: (value: T | undefined, stat: Stat) => T | undefined | Promise<T | undefined>,
    options?: CallOptions,
  ): Promise<{ readonly value: T | undefined; readonly stat: Stat }> {
    return this.#client.update(this.path, change, options)
  }

  /** See `Client.delete`. @example await limit.delete({ ifExists: true }) */
  delete(options?: DeleteOptions): Promise<void> {
    return this.#client.delete(this.path, options)
  }

  /** See `Client.getChildren`. @example const names = await jobs.getChildren() */
  getChildren(options?: CallOptions): Promise<string[]> {
    return this.#client.getChildren(this.path, options)
  }

  /** See `Client.data$`. @example limit.data$.subscribe(({ value }) => …) */
  get data$(): Observable<DataState<T>> {
    return this.#client.data$(this.path)
  }

  /** See `Client.exists$`. @example limit.exists$.subscribe(({ exists }) => …) */
  get exists$(): Observable<ExistsState> {
    return this.#client.exists$(this.path)
  }

  /** See `Client.children$`. @example jobs.children$.subscribe(({ children }) => …) */
  get children$(): Observable<ChildrenState> {
    return this.#client.children$(this.path)
  }
}
