import { isAlias, isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import { textOf } from '../errors/coax-error.ts';
import type { FlowDefinition, Place } from './flow.ts';
import { escapeKey, FlowFaults } from './flow-faults.ts';
import { readFlow } from './read-flow.ts';

/** Text of one flow: UTF-16 code units. */
const FLOW_LENGTH_MAX = 256 * 1024;
/** Deeper brackets than any flow needs would exhaust the stack of the YAML parser. */
const BRACKETS_MAX = 200;

/**
 * A flow from its YAML text (YAML 1.2, core schema). `file` is the name for error places.
 *
 * Errors: COAX_FLOW_INVALID with every fault as file:line:column, and an example that works.
 */
export function parseFlow(text: string, file: string): FlowDefinition {
  const places = new Map<string, Place | null>();
  const faults = new FlowFaults(file, places);
  const raw = toPlain(text, places, faults);
  faults.throwIfAny();
  return readFlow(raw, { file, source: text, places }, faults);
}

function toPlain(text: string, places: Map<string, Place | null>, faults: FlowFaults): unknown {
  places.set('', { line: 1, column: 1 });
  const example = 'A flow begins with `name: create_vm`.';
  if (text.length > FLOW_LENGTH_MAX) {
    faults.add('', `the text is longer than ${FLOW_LENGTH_MAX} characters`, 'Split it into several flows.');
    return null;
  }
  if (tooDeep(text)) {
    faults.add('', 'brackets are nested too deeply', example);
    return null;
  }
  const lines = new LineCounter();
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      prettyErrors: false,
      uniqueKeys: true,
      strict: true,
      schema: 'core',
    });
    for (const { code, message, pos } of document.errors) {
      const { line, col } = lines.linePos(pos[0]);
      places.set(`/yaml@${pos[0]}`, { line, column: col });
      if (message.includes('call stack')) {
        faults.add(`/yaml@${pos[0]}`, 'nested too deeply', example);
        return null;
      }
      const reason = code === 'DUPLICATE_KEY' ? 'this key stands here twice' : `not YAML: ${message}`;
      faults.add(`/yaml@${pos[0]}`, reason, code === 'DUPLICATE_KEY' ? 'Keep one of the two.' : example);
    }
    if (document.errors.length > 0) return null;
    recordPlaces(document.contents, lines, places);
    return document.toJS({ maxAliasCount: 50 });
  } catch (error) {
    faults.add('', `not YAML: ${textOf(error)}`, example);
    return null;
  }
}

function tooDeep(text: string): boolean {
  let depth = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c === 0x5b || c === 0x7b) depth++;
    else if ((c === 0x5d || c === 0x7d) && depth > 0) depth--;
    if (depth > BRACKETS_MAX) return true;
  }
  return false;
}

/** Notes where each member stands: a map's member at its key, a list's at its first character. */
function recordPlaces(root: Node | null, lines: LineCounter, places: Map<string, Place | null>): void {
  const open: { node: unknown; at: string }[] = [{ node: root, at: '' }];
  const note = (at: string, node: unknown): void => {
    const range = (node as Node | null)?.range;
    if (!range) return;
    const { line, col } = lines.linePos(range[0]);
    places.set(at, { line, column: col });
  };
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const { node, at } = next;
    if (at === '') note(at, node);
    if (isAlias(node)) continue;
    if (isMap(node)) {
      for (const { key, value } of node.items) {
        const name = isScalar(key) ? String(key.value) : String(key);
        const inner = `${at}/${escapeKey(name)}`;
        note(inner, key);
        open.push({ node: value, at: inner });
      }
    } else if (isSeq(node)) {
      node.items.forEach((item, index) => {
        note(`${at}/${index}`, item);
        open.push({ node: item, at: `${at}/${index}` });
      });
    }
  }
}
