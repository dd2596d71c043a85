/**
 * Sessions in PostgreSQL with all that hangs on them, and retained messages: opened one by one, written by lanes that commit many clients'
 * writes together, read in pages, swept when they expire.
 */
package dev.sluice.store;
