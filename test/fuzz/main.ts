/**
 * npm run test:fuzz -- [--frames 5000000] [--seed S] [--jobs 2] [--decoder 'log record']
 *
 * So many malformed inputs for each decoder, `jobs` decoders at a time. Ends with code 1 and says what was found and how to find it again.
 */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { decoders } from './decoders.js'
import { fuzz } from './fuzz-run.js'

const { values } = parseArgs({
  options: {
    frames: { type: 'string', default: '5000000' },
    seed: { type: 'string' },
    jobs: { type: 'string', default: '1' },
    decoder: { type: 'string' },
  },
})
const frames = Number(values.frames)
const seed = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const jobs = Number(values.jobs)
const names = decoders.map(({ name }) => name).filter(name => (values.decoder ?? name) === name)
if (![frames, seed, jobs].every(Number.isInteger) || frames < 1 || jobs < 1 || names.length === 0) {
  throw new Error(`--frames, --seed and --jobs are whole numbers, --decoder is one of: ${names.join(', ')}`)
}

if (values.decoder !== undefined) {
  const result = fuzz(decoders.find(({ name }) => name === values.decoder)!, frames, seed)
  const { name, accepted, slowestMs, keptBytes, cpuMs, findings } = result
  console.log(
    `${name.padEnd(22)} ${frames} inputs, ${accepted} accepted, slowest ${slowestMs.toFixed(2)} ms, ` +
      `${Math.round(keptBytes / 1024)} KiB kept, ${(cpuMs / 1000).toFixed(1)} s CPU`,
  )
  for (const finding of findings) console.log(`FOUND ${finding}`)
  process.exitCode = findings.length === 0 ? 0 : 1
} else {
  const began = performance.now()
  const left = [...names]
  const failed: string[] = []
  const worker = async () => {
    for (let name = left.shift(); name !== undefined; name = left.shift())
      if ((await inProcess(name)) !== 0) failed.push(name)
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  const seconds = Math.round((performance.now() - began) / 1000)
  console.log(`${names.length} decoders, ${names.length * frames} inputs, seed ${seed}; took ${seconds} s`)
  if (failed.length === 0) console.log('passed: nothing but typed errors, none over 10 ms, nothing kept')
  for (const name of failed)
    console.log(`again: npm run test:fuzz -- --frames ${frames} --seed ${seed} --decoder '${name}'`)
  process.exitCode = failed.length === 0 ? 0 : 1
}

/** Each in a process of its own: its memory is its own, and an endless loop or a crash is one decoder's. */
function inProcess(name: string): Promise<number> {
  const file = fileURLToPath(import.meta.url)
  const args = ['--import', 'tsx', file, '--frames', String(frames), '--seed', String(seed), '--decoder', name]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', code => resolve(code ?? 1))
  })
}
