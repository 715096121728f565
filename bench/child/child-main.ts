// The process that in-child.ts starts: the module's file, the name of its function, and the arguments as JSON.
const [, , file, name, values] = process.argv;
const module = (await import(file as string)) as Record<string, (...values: unknown[]) => unknown>;
const value = await module[name as string]?.(...(JSON.parse(values as string) as unknown[]));
process.send?.({ value }, () => process.disconnect());
