// `npm run imap-model`: random commands against the model under many seeds.
import { planOf } from './steps.ts'
import { play } from './play.ts'
import { runModel } from '../run-model.ts'

await runModel({ script: 'imap-model', steps: 60, planOf, play })
