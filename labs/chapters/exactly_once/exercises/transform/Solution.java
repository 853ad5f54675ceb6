import java.time.Duration;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Each batch in one transaction with the offset behind it; at the start, end what was left open. */
public class Solution {
    public static void main(String[] arguments) {
        var output = System.getenv("OUTPUT");
        var sending = new Properties();
        sending.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        sending.put("transactional.id", "capitals-" + System.getenv("GROUP"));
        var reading = new Properties();
        reading.put("bootstrap.servers", System.getenv("KAFKA_BOOTSTRAP_SERVERS"));
        reading.put("group.id", System.getenv("GROUP"));
        reading.put("auto.offset.reset", "earliest");
        reading.put("enable.auto.commit", "false");
        reading.put("max.poll.records", "50");
        try (var producer =
                        new KafkaProducer<>(sending, new StringSerializer(), new StringSerializer());
                var consumer =
                        new KafkaConsumer<>(
                                reading, new StringDeserializer(), new StringDeserializer())) {
            producer.initTransactions();
            consumer.subscribe(List.of(System.getenv("TOPIC")));
            while (true) {
                var records = consumer.poll(Duration.ofSeconds(1));
                if (records.isEmpty()) {
                    continue;
                }
                producer.beginTransaction();
                try {
                    for (var record : records) {
                        var value = record.value().toUpperCase();
                        producer.send(new ProducerRecord<>(output, record.key(), value));
                        System.out.println(record.partition() + " " + record.offset() + " " + record.value());
                    }
                    producer.sendOffsetsToTransaction(records.nextOffsets(), consumer.groupMetadata());
                    producer.commitTransaction();
                } catch (KafkaException error) {
                    producer.abortTransaction();
                    for (var partition : records.partitions()) {
                        consumer.seek(partition, records.records(partition).get(0).offset());
                    }
                }
            }
        }
    }
}
