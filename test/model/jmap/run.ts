// `npm run jmap-model`: random changes by IMAP and JMAP against the model under many seeds.
import { planOf } from './steps.ts'
import { play } from './play.ts'
import { runModel } from '../run-model.ts'

await runModel({ script: 'jmap-model', steps: 40, planOf, play })
