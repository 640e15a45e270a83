/** The entry point `vivarium/testing`: names only. */
export type { EnsembleOptions } from './ensemble-options.js'
export { type Ensemble, openEnsemble } from './open-ensemble.js'
