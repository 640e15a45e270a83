/**
 * A network of network namespaces: each member has one with a single interface, all on one bridge, in the namespace of the test itself.
 *
 * The test runs itself again inside namespaces of its own — network, mounts, processes — so that nothing of it is seen on the machine, and
 * nothing is left of it however it ends: with its first process all its processes go, with them the namespaces, interfaces and names.
 * A direction is cut by a false link-layer address: frames leave, and nobody takes them. No packet gets back to say so.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import type { Direction, Network } from '../crash/network.js'

const SUBNET = '10.77.0'
const PORT = 2888
const NOBODY = '02:00:00:00:ff:ff'
const INSIDE = 'VIVARIUM_TEST_NAMESPACES'

const own = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc']
const unshare = process.getuid?.() === 0 ? own : ['--user', '--map-root-user', ...own]

export function insideNamespaces(): boolean {
  return process.env[INSIDE] !== undefined
}

/** Why there can be no namespaces here; undefined if there can. */
export function namespacesMissing(): string | undefined {
  const probe =
    'mount -t tmpfs tmpfs /run && mkdir /run/netns && ip netns add m1 && ip link add hub type bridge && ip link add v1 type veth peer name eth0 netns m1'
  const { error, status, stderr } = spawnSync('unshare', [...unshare, 'sh', '-c', probe], { encoding: 'utf8' })
  if (error !== undefined) return 'unshare is not installed'
  return status === 0 ? undefined : `network namespaces are not permitted here: ${stderr.trim()}`
}

/** Runs this very command inside; resolves with its exit code. A signal to this process ends it. */
export function runInside(): Promise<number> {
  const [script, ...args] = process.argv.slice(1)
  const child = spawn('unshare', [...unshare, process.execPath, ...process.execArgv, script!, ...args], {
    stdio: ['pipe', 'inherit', 'inherit'],
    env: { ...process.env, [INSIDE]: '1' },
  })
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => child.kill('SIGKILL'))
  return new Promise(resolve => child.once('exit', code => resolve(code ?? 1)))
}

/** The first thing to do inside: nothing is up yet, not even loopback. */
export function prepareInside(): void {
  // Whoever began this is gone.
  process.stdin.on('close', () => process.exit(1)).resume()
  // `ip netns` keeps its names here: on a file system that is gone with this namespace.
  run('mount', ['-t', 'tmpfs', 'tmpfs', '/run'])
  mkdirSync('/run/netns')
  ip('link set lo up')
  ip('link add hub type bridge')
  ip('link set hub up')
}

/** Only inside. */
export async function namespaces(members: number): Promise<Network> {
  const all = Array.from({ length: members }, (_, index) => index + 1)
  for (const member of all) {
    const name = nameOf(member)
    ip(`netns add ${name}`)
    ip(`link add v${member} type veth peer name eth0 netns ${name}`)
    ip(`link set v${member} master hub up`)
    ip(`-n ${name} link set lo up`)
    ip(`-n ${name} link set eth0 address ${macOf(member)} up`)
    ip(`-n ${name} addr add ${SUBNET}.${member}/24 dev eth0`)
  }
  const wholeTable = (isCut: (from: number, to: number) => boolean): void => {
    for (const from of all) {
      const lines = all
        .filter(to => to !== from)
        .map(
          to => `neigh replace ${SUBNET}.${to} lladdr ${isCut(from, to) ? NOBODY : macOf(to)} dev eth0 nud permanent`,
        )
      ip(`-n ${nameOf(from)} -batch -`, lines.join('\n'))
    }
  }
  wholeTable(() => false)
  return {
    addresses: all.map(member => `tcp://${SUBNET}.${member}:${PORT}`),
    listen: member => ({ port: PORT, host: `${SUBNET}.${member}`, insecure: true }),
    prefix: member => ['ip', 'netns', 'exec', nameOf(member)],
    cut: async (directions: readonly Direction[]) =>
      wholeTable((from, to) => directions.some(each => each[0] === from && each[1] === to)),
    close: async () => {
      for (const member of all) {
        // The kernel takes its time with a namespace, but not with an interface.
        ip(`link del v${member}`)
        ip(`netns del ${nameOf(member)}`)
      }
    },
  }
}

function nameOf(member: number): string {
  return `member${member}`
}

function macOf(member: number): string {
  return `02:00:00:00:00:${member.toString(16).padStart(2, '0')}`
}

function ip(args: string, input?: string): void {
  run('ip', args.split(' '), input)
}

function run(command: string, args: readonly string[], input?: string): void {
  const { status, stderr, error } = spawnSync(command, args, { encoding: 'utf8', input })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr}`)
}
