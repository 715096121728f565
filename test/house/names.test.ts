/** Names are the field's, and say what is there. */
import assert from 'node:assert/strict';
import { basename, dirname } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { codeFiles, type HouseFault, linesOf, type SourceFile } from './tree.ts';

const EMPTY_NAMES = /^(utils?|helpers?|common|misc|lib|managers?|base|shared|stuff)$/;
const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|property\.test|config|d))?\.tsx?$/;
/** Words of other systems for our things, by what to say. */
const BANNED_WORDS: Readonly<Record<string, string>> = {
  job: 'message',
  jobs: 'message',
  task: 'step',
  tasks: 'step',
  workflow: 'flow',
  workflows: 'flow',
  activity: 'action',
  activities: 'action',
  compensate: 'undo',
  compensation: 'undo',
  payload: 'parameters',
  heartbeat: 'lease',
};

function badPaths({ path }: SourceFile): HouseFault[] {
  const name = basename(path);
  const faults: HouseFault[] = [];
  if (!KEBAB.test(name)) faults.push({ where: path, reason: 'a file name is kebab-case' });
  for (const part of [...dirname(path).split('/'), name.replace(/\..*$/, '')])
    if (EMPTY_NAMES.test(part)) faults.push({ where: path, reason: `${part} says nothing` });
  return faults;
}

const wordsOf = (name: string): string[] =>
  name
    .replace(/([a-z0-9])([A-Z])/g, '$1 $2')
    .split(/[^A-Za-z0-9]+/)
    .map(word => word.toLowerCase());

/** Banned words in what a file exports. */
function badExports({ path, text }: SourceFile): HouseFault[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  return source.statements.flatMap(statement => {
    if (!ts.canHaveModifiers(statement)) return [];
    if (!ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) return [];
    return namesOf(statement).flatMap(name =>
      wordsOf(name)
        .filter(word => Object.hasOwn(BANNED_WORDS, word))
        .map(word => ({ where: `${path} ${name}`, reason: `say ${BANNED_WORDS[word]}, not ${word}` })),
    );
  });
}

function namesOf(statement: ts.Statement): string[] {
  const own =
    'name' in statement && statement.name !== undefined ? [(statement.name as ts.Node).getText()] : [];
  if (ts.isVariableStatement(statement))
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  if (ts.isInterfaceDeclaration(statement) || ts.isClassDeclaration(statement))
    for (const member of statement.members) if (member.name !== undefined) own.push(member.name.getText());
  return own;
}

test('files have kebab-case names that say something', () => {
  assert.equal(linesOf(codeFiles().flatMap(badPaths)), '');
  for (const path of ['src/a/utils.ts', 'src/common/a.ts', 'src/a/someThing.ts', 'src/a/base.test.ts'])
    assert.equal(badPaths({ path, text: '' }).length, 1, path);
});

test('exports use the words of the house', () => {
  assert.equal(linesOf(codeFiles().flatMap(badExports)), '');
  for (const text of [
    'export const jobQueue = 1;',
    'export interface A { readonly taskName: string }',
    'export function compensateAll() {}',
    'export class WorkflowRun {}',
  ])
    assert.equal(badExports({ path: 'a.ts', text }).length, 1, text);
  assert.deepEqual(badExports({ path: 'a.ts', text: 'export const multitasking = 1; const job = 2;' }), []);
});
