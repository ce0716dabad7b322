// `node --import alter.mjs program`: runs the built program with lines of a test's own appended to some of its
// modules. The lines come in the environment; `alterations.ts` holds them.
import { register } from 'node:module';

register('./alter-hooks.mjs', import.meta.url, {
  data: JSON.parse(process.env['NEPHOSCOPE_TEST_ALTERATIONS'] ?? '[]'),
});
