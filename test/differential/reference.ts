/**
 * The judge: Apache ZooKeeper as Debian packages it (`apt-get install zookeeper`: 3.8.0), standalone, from its jars, with a data directory of its own
 * on a port of 127.0.0.1. It lives as long as it is asked things; one serves all sequences.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestOf } from '../../lib/auth/digest.js'
import { freePorts } from '../helpers/free-ports.js'
import { word } from '../helpers/wire-client.js'
import { SUPER } from './sequence.js'

const JAR = '/usr/share/java/zookeeper.jar'
const JAVA = '/usr/bin/java'
export const TICK_MS = 1000
/** Nothing is reaped by itself: that would take zxids of its own. */
const NEVER_MS = 2_000_000_000

/** Why there is no judge; undefined if there is one. */
export function absence(): string | undefined {
  if (!existsSync(JAVA)) return `${JAVA} is not there`
  return existsSync(JAR) ? undefined : `${JAR} is not there: apt-get install zookeeper`
}

export class Reference {
  readonly port: number
  readonly #process: ChildProcess
  readonly #directory: string

  private constructor(port: number, process: ChildProcess, directory: string) {
    this.port = port
    this.#process = process
    this.#directory = directory
  }

  static async start(): Promise<Reference> {
    const [port] = await freePorts(1)
    const directory = await mkdtemp(join(tmpdir(), 'vivarium-reference-'))
    const config = join(directory, 'zoo.cfg')
    await writeFile(
      config,
      [
        `tickTime=${TICK_MS}`,
        `dataDir=${directory}/data`,
        `clientPort=${port}`,
        'clientPortAddress=127.0.0.1',
        'maxClientCnxns=0',
        'maxSessionTimeout=60000',
        'extendedTypesEnabled=true',
        '4lw.commands.whitelist=*',
        'admin.enableServer=false',
        'forceSync=no',
        'preAllocSize=4096',
        '',
      ].join('\n'),
    )
    const java = [
      '-Xmx256m',
      '-XX:+UseSerialGC',
      '-XX:TieredStopAtLevel=1',
      `-Dznode.container.checkIntervalMs=${NEVER_MS}`,
      '-Dzookeeper.admin.enableServer=false',
      '-Dzookeeper.enforceQuota=true',
      `-Dzookeeper.DigestAuthenticationProvider.superDigest=${digestOf(SUPER)}`,
    ]
    const main = 'org.apache.zookeeper.server.ZooKeeperServerMain'
    const process = spawn(JAVA, [...java, '-cp', JAR, main, config], { stdio: ['ignore', 'ignore', 'pipe'] })
    let complaints = ''
    process.stderr?.on('data', chunk => {
      complaints = (complaints + chunk).slice(-2000)
    })
    const reference = new Reference(port!, process, directory)
    const deadline = Date.now() + 60_000
    while (!(await word(port!, 'srvr', 1000)).includes('Mode: standalone')) {
      if (process.exitCode !== null || Date.now() > deadline) {
        await reference.stop()
        throw new Error(`ZooKeeper does not start: ${complaints}`)
      }
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    return reference
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const ended = new Promise(resolve => this.#process.once('exit', resolve))
      this.#process.kill('SIGKILL')
      await ended
    }
    await rm(this.#directory, { recursive: true, force: true })
  }
}
