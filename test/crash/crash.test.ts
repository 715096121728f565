import { it } from 'node:test';
import { campaign } from './campaign.ts';

// COAX_LONG=1: the long form; COAX_KILLS and SEED choose another length and another history.
const kills = Number(process.env.COAX_KILLS ?? (process.env.COAX_LONG === '1' ? 500 : 24));
const seed = Number(process.env.SEED ?? 1);

it(`keeps every promise through ${kills} kills of the server (seed ${seed})`, () => campaign(kills, seed));
