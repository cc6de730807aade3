/** The types of headstart.js. */
export * from "./sdk/headstart.js";
