/** No file, function or folder is too large to be read in one go. */
import assert from 'node:assert/strict';
import { dirname } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { codeFiles, type HouseFault, isTest, linesOf, type SourceFile } from './tree.ts';

const FILE_LINES_MAX = 500;
const TEST_LINES_MAX = 800;
const FUNCTION_LINES_MAX = 70;
/** A test may be a table of cases. */
const TEST_FUNCTION_LINES_MAX = 140;
const FOLDER_FILES_MAX = 15;

function longFiles(files: readonly SourceFile[]): HouseFault[] {
  return files.flatMap(file => {
    const lines = file.text.split('\n').length - 1;
    const max = file.path.startsWith('test/') || isTest(file) ? TEST_LINES_MAX : FILE_LINES_MAX;
    return lines > max ? [{ where: file.path, reason: `${lines} lines, at most ${max}` }] : [];
  });
}

/** Functions by their own lines: from the name or the arrow to the closing brace. Suites of tests are no functions. */
function longFunctions({ path, text }: SourceFile): HouseFault[] {
  const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
  const max =
    path.startsWith('test/') || path.endsWith('.test.ts') ? TEST_FUNCTION_LINES_MAX : FUNCTION_LINES_MAX;
  const faults: HouseFault[] = [];
  const lineAt = (position: number): number => source.getLineAndCharacterOfPosition(position).line + 1;
  const visit = (node: ts.Node): void => {
    if (ts.isFunctionLike(node) && 'body' in node && node.body !== undefined && !isSuite(node)) {
      const from = lineAt(node.getStart());
      const lines = lineAt(node.getEnd()) - from + 1;
      if (lines > max)
        faults.push({
          where: `${path}:${from}`,
          reason: `a function of ${lines} lines, at most ${max}`,
        });
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

/** `describe('…', () => {…})`, or a function that only declares tests for a factory it is given. */
function isSuite(node: ts.Node): boolean {
  const call = node.parent;
  if (ts.isCallExpression(call) && /^(describe|suite)(\.|$)/.test(call.expression.getText())) return true;
  const body = (node as ts.FunctionLikeDeclaration).body;
  return (
    body !== undefined &&
    ts.isBlock(body) &&
    body.statements.some(
      statement =>
        ts.isExpressionStatement(statement) &&
        ts.isCallExpression(statement.expression) &&
        /^(describe|it|test)$/.test(statement.expression.expression.getText()),
    )
  );
}

function fullFolders(files: readonly SourceFile[]): HouseFault[] {
  const counts = Map.groupBy(
    files.filter(file => !isTest(file)),
    ({ path }) => dirname(path),
  );
  return [...counts].flatMap(([where, inside]) =>
    inside.length > FOLDER_FILES_MAX
      ? [{ where, reason: `${inside.length} files beside their tests, at most ${FOLDER_FILES_MAX}` }]
      : [],
  );
}

test(`files have at most ${FILE_LINES_MAX} lines, tests ${TEST_LINES_MAX}`, () => {
  assert.equal(linesOf(longFiles(codeFiles())), '');
  const long = 'x\n'.repeat(501);
  assert.equal(longFiles([{ path: 'src/a.ts', text: long }]).length, 1);
  assert.equal(longFiles([{ path: 'src/a.test.ts', text: long }]).length, 0);
  assert.equal(longFiles([{ path: 'test/a.ts', text: 'x\n'.repeat(801) }]).length, 1);
});

test(`functions have at most ${FUNCTION_LINES_MAX} lines`, () => {
  assert.equal(linesOf(codeFiles().flatMap(longFunctions)), '');
  const text = (body: number): string => `const f = () => {\n${'x();\n'.repeat(body)}};\n`;
  assert.equal(longFunctions({ path: 'a.ts', text: text(68) }).length, 0);
  assert.equal(longFunctions({ path: 'a.ts', text: text(69) }).length, 1);
  assert.equal(longFunctions({ path: 'a.ts', text: `class A { m() {\n${'x();\n'.repeat(80)}} }` }).length, 1);
});

test(`folders hold at most ${FOLDER_FILES_MAX} files beside their tests`, () => {
  assert.equal(linesOf(fullFolders(codeFiles())), '');
  const many = Array.from({ length: 16 }, (_, index) => ({ path: `src/a/${index}.ts`, text: '' }));
  assert.equal(fullFolders(many).length, 1);
  assert.equal(fullFolders([...many.slice(1), { path: 'src/a/0.test.ts', text: '' }]).length, 0);
});
