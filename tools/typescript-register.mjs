// Lets worker threads and child processes of tests run TypeScript sources on a Node that cannot by itself.
import { register } from 'node:module';

if (!process.features.typescript) register('./typescript-hooks.mjs', import.meta.url);
