export { parseDockerfile, type Instruction, type Stage } from './image/dockerfile';
