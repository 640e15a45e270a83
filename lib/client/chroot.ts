/**
 * The prefix a client lives under: put before every path that is sent, taken off every path that comes back.
 * Always holds: the replica knows nothing of it, and the application sees nothing of it. ZooKeeper: client behaviour, chroot.
 */
export class Chroot {
  /** '' for the whole tree. */
  readonly prefix: string

  constructor(prefix: string) {
    this.prefix = prefix === '/' ? '' : prefix
  }

  toServer(path: string): string {
    if (this.prefix === '') return path
    return path === '/' ? this.prefix : this.prefix + path
  }

  toClient(path: string): string {
    if (this.prefix === '') return path
    if (path === this.prefix) return '/'
    return path.startsWith(`${this.prefix}/`) ? path.slice(this.prefix.length) : path
  }

  within(path: string): Chroot {
    return new Chroot(this.toServer(path))
  }
}
