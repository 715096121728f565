import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readServerSentEvents, type ServerSentEvent } from './sse.ts';

async function read(chunks: readonly Uint8Array[]): Promise<ServerSentEvent[]> {
  async function* stream() {
    yield* chunks;
  }
  const events: ServerSentEvent[] = [];
  for await (const event of readServerSentEvents(stream())) events.push(event);
  return events;
}

test('events are read however the stream is cut', async () => {
  const text =
    ': hello\n\nid: 1\nevent: commit\ndata: {"a":"ü€😀"}\n\ndata: x\ndata:y\n\n: ping\n\nid: 2\ndata\n\ndata: cut off';
  const expected = [
    { id: '1', event: 'commit', data: '{"a":"ü€😀"}' },
    { id: '1', event: 'message', data: 'x\ny' },
    { id: '2', event: 'message', data: '' },
  ];
  for (const variant of [text, text.replaceAll('\n', '\r\n')]) {
    const bytes = new TextEncoder().encode(variant);
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 12 }), async cuts => {
        const at = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, i) => bytes.subarray(at[i], end));
        assert.deepEqual(await read(chunks), expected);
      }),
    );
  }
});
