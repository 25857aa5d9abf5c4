import type { TaskKind } from '../../definition/model';
import type { Kind } from './kind';
import { forKind } from './for';
import { doKind, forkKind } from './lists';
import { listenKind } from './listen';
import { callKind, runKind } from './outside';
import { emitKind, raiseKind, setKind, switchKind, waitKind } from './simple';
import { tryKind } from './try';

export const KINDS: Record<TaskKind, Kind> = {
  call: callKind,
  do: doKind,
  emit: emitKind,
  for: forKind,
  fork: forkKind,
  listen: listenKind,
  raise: raiseKind,
  run: runKind,
  set: setKind,
  switch: switchKind,
  try: tryKind,
  wait: waitKind,
};
