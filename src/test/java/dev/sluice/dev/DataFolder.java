package dev.sluice.dev;

import dev.sluice.tools.Complaint;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** The folder of the embedded servers' data and logs, held by one process at a time; opened and closed by one thread. */
final class DataFolder implements AutoCloseable {
    private static final String PID_FILE = "pid";

    private final Path pidFile;
    private final FileChannel channel;

    private DataFolder(Path pidFile, FileChannel channel) {
        this.pidFile = pidFile;
        this.channel = channel;
    }

    /** The lock ends with this process, however it ends; the pid in the file is for the message and for {@code ./sluice clean}. */
    static DataFolder open(Path folder) {
        var pidFile = folder.resolve(PID_FILE);
        try {
            create(folder);
            var channel = FileChannel.open(pidFile, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
            if (channel.tryLock() == null) {
                channel.close();
                throw new Complaint("the data folder " + folder + " is in use by another sluice (pid "
                        + Files.readString(pidFile) + "): stop it, or set " + Settings.DATA + " to another folder.");
            }
            var pid = Long.toString(ProcessHandle.current().pid()).getBytes(StandardCharsets.US_ASCII);
            channel.truncate(0).write(ByteBuffer.wrap(pid));
            return new DataFolder(pidFile, channel);
        } catch (IOException e) {
            throw new Complaint("cannot use the data folder " + folder + ": " + e, e);
        }
    }

    static void create(Path folder) {
        try {
            Files.createDirectories(folder);
        } catch (IOException e) {
            throw new Complaint("cannot make the data folder " + folder + ": " + e, e);
        }
    }

    @Override
    public void close() throws IOException {
        Files.deleteIfExists(pidFile);
        channel.close();
    }
}
