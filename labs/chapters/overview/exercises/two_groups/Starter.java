import java.time.Duration;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;

/** Exercise 01.2: each record of TOPIC to standard output, as `PARTITION OFFSET VALUE`. */
public class Starter {
    public static void main(String[] arguments) {
        var settings = new Properties();
        settings.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        try (var consumer =
                new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer())) {
            // Java's `subscribe` is for members of a group; without one, partitions are assigned.
            var all = consumer.partitionsFor(System.getenv("TOPIC")).stream();
            consumer.assign(all.map(p -> new TopicPartition(p.topic(), p.partition())).toList());
            while (true) {
                for (var record : consumer.poll(Duration.ofSeconds(1))) {
                    System.out.println(record.partition() + " " + record.offset() + " " + record.value());
                }
            }
        }
    }
}
