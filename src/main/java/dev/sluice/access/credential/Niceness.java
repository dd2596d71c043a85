package dev.sluice.access.credential;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import org.jboss.logging.Logger;

/**
 * Lets threads wait behind others when cores are scarce. Owns nothing; any platform thread may ask for itself. Linux keeps a niceness for each
 * thread; elsewhere, where it is the process's, and in the native executable, which would have to be built for the call, nothing happens.
 */
final class Niceness {
    private static final Logger LOG = Logger.getLogger(Niceness.class);

    private Niceness() {}

    /**
     * Adds to that of the calling thread.
     *
     * @param more 0 to 19; the higher, the more time others get
     */
    @SuppressWarnings("restricted") // the manifest of the jar allows it
    static void add(int more) {
        if (!System.getProperty("os.name").equals("Linux")
                || System.getProperty("org.graalvm.nativeimage.imagecode") != null) return;
        try {
            var linker = Linker.nativeLinker();
            var nice = linker.downcallHandle(
                    linker.defaultLookup().findOrThrow("nice"), FunctionDescriptor.of(JAVA_INT, JAVA_INT));
            var _ = (int) nice.invokeExact(more);
        } catch (Throwable notHere) { // what a method handle may throw
            LOG.warnf("threads that hash passwords are not made to wait behind others: %s", notHere);
        }
    }
}
