import { CoaxError, textOf } from '../../errors/coax-error.ts';
import { type Labels, NO_LABELS, validateLabels } from '../../message/carried/labels.ts';
import type { VerbOption } from '../verb.ts';

export const LABEL_OPTION: VerbOption = {
  flags: '--label <name=value>',
  about: 'A label to find it by; several may be given',
  repeats: true,
};

export const SELECTOR_OPTION: VerbOption = {
  flags: '-l, --selector <selector>',
  about: 'Only what has such labels: env=prod,tier!=web,zone in (a,b),gpu,!old',
};

/** Reads `name=value` words. COAX_USAGE names the one that is wrong. */
export function parseLabels(words: readonly string[] = []): Labels {
  if (words.length === 0) return NO_LABELS;
  const labels: Record<string, string> = {};
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw wrong(word, 'a label is name=value');
    const name = word.slice(0, at);
    if (Object.hasOwn(labels, name)) throw wrong(word, `${name} is given twice`);
    try {
      Object.assign(labels, validateLabels({ [name]: word.slice(at + 1) }));
    } catch (error) {
      throw wrong(word, textOf(error));
    }
  }
  return labels;
}

function wrong(word: string, reason: string): CoaxError {
  return new CoaxError('COAX_USAGE', reason, { where: word, hint: 'For example --label env=prod' });
}
