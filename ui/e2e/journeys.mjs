/** What people do, step by step, in the built window. Each journey starts with a fresh window. */
import { damage } from "./journeys/damage.mjs";
import { hostile } from "./journeys/hostile.mjs";
import { keeping } from "./journeys/keeping.mjs";
import { oneself } from "./journeys/oneself.mjs";
import { people } from "./journeys/people.mjs";
import { surroundings } from "./journeys/surroundings.mjs";
import { writing } from "./journeys/writing.mjs";

export const journeys = {
  ...writing,
  ...surroundings,
  ...people,
  ...oneself,
  ...keeping,
  ...damage,
  ...hostile,
};
