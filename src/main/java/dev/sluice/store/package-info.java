/** Sessions in PostgreSQL: opened one by one, written by lanes that commit many clients' writes together, swept when they expire. */
package dev.sluice.store;
